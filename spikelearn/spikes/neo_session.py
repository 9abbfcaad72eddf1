"""An activity from a Neo block on the session clock, as Neo reads it out of a `.nix` file.

One segment, "session", in which the trials follow one another (`session.py`), as `nix.py` writes
it. A spike train per neuron and trial, as `to_neo` gives them, would take a thousand times as many
objects in a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.spikes.metadata import rebuild
from spikelearn.spikes.neo_blocks import read_weights
from spikelearn.spikes.session import read_records_per_trial, split_state, split_trials

if TYPE_CHECKING:
    import neo

    from spikelearn.spikes.activity import Activity


def from_session_block(block: neo.Block, meta: Mapping[str, Any]) -> Activity:
    """The activity of the one segment; `meta` is what the block says of itself."""
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
    per_trial = read_records_per_trial(starts, meta)
    states = [
        split_state(signals[name], per_trial, tuple(form["shape"])).astype(form["dtype"])
        for name, form in meta["states"].items()
    ]
    return rebuild(meta, populations, states, read_weights(block.annotations, meta))
