"""An activity as a Neo block on the session clock (`session.py`), and back: what `.nix` files hold.

One segment, "session", in which the trials follow one another: one spike train per neuron,
annotated with `population` and `neuron`; the epoch "trials", whose labels are the stimulus labels;
one analogue signal per recorded state, NaN between trials. A spike train per neuron and trial, as
`to_neo` gives them, would take a thousand times as many HDF5 objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._time_steps import nearest_step
from spikelearn.spikes.metadata import rebuild
from spikelearn.spikes.neo_blocks import annotated_block, read_weights, state_signal
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
    trains: dict[str, list[tuple[int, np.ndarray]]] = {name: [] for name in meta["populations"]}
    for train in segment.spiketrains:
        noted = train.annotations
        trains[noted["population"]].append((int(noted["neuron"]), train.rescale("ms").magnitude))
    populations = {
        name: split_trials(
            size,
            np.concatenate([times for _, times in trains[name]]) if size else np.empty(0),
            np.repeat([who for who, _ in trains[name]], [len(times) for _, times in trains[name]]),
            starts_ms=starts,
            duration_ms=meta["duration_ms"],
            dt_ms=dt_ms,
        )
        for name, size in meta["populations"].items()
    }
    signals = {signal.name: signal.magnitude for signal in segment.analogsignals}
    steps = nearest_step(starts[1] - starts[0], dt_ms) if len(starts) > 1 else 0
    states = [
        split_state(signals[name], steps, tuple(form["shape"])).astype(form["dtype"])
        for name, form in meta["states"].items()
    ]
    return rebuild(meta, populations, states, read_weights(block, meta))
