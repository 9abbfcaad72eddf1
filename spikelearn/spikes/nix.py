"""NIX files through Neo (https://doi.org/10.3389/fninf.2014.00010 describes Neo).

One block with one segment, "session", in which the trials follow one another on the session clock
(see `session.py`): one spike train per neuron, annotated with `population` and `neuron`; the epoch
"trials", whose labels are the stimulus labels; one analogue signal per recorded state, NaN between
trials. `from_neo` reads such a block, so that `neo.io.NixIO(path, "ro").read_block()` serves too.
A spike train per neuron and trial, as `to_neo` gives them, would take a thousand times as many
HDF5 objects. Writing takes about 10 ms a neuron as it is; `.nwb` is far quicker for large networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.spikes.metadata import rebuild
from spikelearn.spikes.neo_conversion import (
    annotated_block,
    from_neo,
    read_weights,
    state_signal,
)
from spikelearn.spikes.session import (
    session_state,
    session_trains_ms,
    split_state,
    split_trials,
    steps_per_trial,
    trial_starts_ms,
)

if TYPE_CHECKING:
    import neo

    from spikelearn.spikes.activity import Activity


def save(activity: Activity, path: Path) -> None:
    """Write the activity to `path`."""
    from neo.io import NixIO

    file = NixIO(str(path), mode="ow")
    try:
        file.write_block(session_block(activity))
    finally:
        file.close()


def load(path: Path) -> Activity:
    """Read what `save` wrote, or the first block of another NIX file that Neo can read."""
    import h5py
    from neo.io import NixIO

    # NixIO leaves a half-made object behind when HDF5 refuses the file, so HDF5 is asked first.
    with h5py.File(path, "r"):
        pass
    file = NixIO(str(path), mode="ro")
    try:
        block = file.read_block()
    finally:
        file.close()
    if block is None:
        raise SpikelearnError("it holds no Neo block")
    return from_neo(block)


def session_block(activity: Activity) -> neo.Block:
    """The activity on the session clock, as the `.nix` files hold it."""
    import neo
    import quantities as pq

    starts, steps = trial_starts_ms(activity), steps_per_trial(activity)
    t_stop = float(starts[-1] + activity.duration_ms) * pq.ms
    block = annotated_block(activity)
    block.annotate(layout="session clock")
    segment = neo.Segment(name="session")
    for name, spikes in activity.populations.items():
        times, ends = session_trains_ms(spikes, starts)
        for neuron, train in enumerate(np.split(times, ends[:-1]) if spikes.size else ()):
            segment.spiketrains.append(
                neo.SpikeTrain(
                    train,
                    units=pq.ms,
                    t_start=0.0 * pq.ms,
                    t_stop=t_stop,
                    name=f"{name} {neuron}",
                    population=name,
                    neuron=neuron,
                )
            )
    segment.epochs.append(
        neo.Epoch(
            times=starts * pq.ms,
            durations=np.full(len(starts), float(activity.duration_ms)) * pq.ms,
            labels=np.array(activity.labels, dtype="U"),
            name="trials",
        )
    )
    for name, state in activity.states.items():
        joined = session_state(np.asarray(state), steps)
        segment.analogsignals.append(state_signal(name, joined, activity.dt_ms))
    block.segments.append(segment)
    return block


def from_session_block(block: neo.Block, meta: Mapping[str, Any]) -> Activity:
    """Undo `session_block`; `meta` is what the block says of itself."""
    segment = block.segments[0]
    dt_ms = meta["dt_ms"]
    starts = np.atleast_1d(segment.epochs[0].times.rescale("ms").magnitude)
    found: dict[str, list[tuple[int, np.ndarray]]] = {name: [] for name in meta["populations"]}
    for train in segment.spiketrains:
        noted = train.annotations
        found[noted["population"]].append((int(noted["neuron"]), train.rescale("ms").magnitude))
    populations = {
        name: split_trials(
            size,
            np.concatenate([times for _, times in found[name]]) if size else np.empty(0),
            np.repeat([who for who, _ in found[name]], [len(times) for _, times in found[name]]),
            starts_ms=starts,
            duration_ms=meta["duration_ms"],
            dt_ms=dt_ms,
        )
        for name, size in meta["populations"].items()
    }
    signals = {signal.name: signal.magnitude for signal in segment.analogsignals}
    steps = round((starts[1] - starts[0]) / dt_ms) if len(starts) > 1 else 0
    states = [
        split_state(signals[name], steps, tuple(form["shape"])).astype(form["dtype"])
        for name, form in meta["states"].items()
    ]
    return rebuild(meta, populations, states, read_weights(block, meta))
