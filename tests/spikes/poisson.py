"""Poisson trains, and activities from lists of trains, for the tests of statistics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikelearn.spikes import Activity, PopulationSpikes


def activity_of(
    trains: Sequence[Sequence[Sequence[float] | np.ndarray]],
    duration_ms: float = 1000.0,
    name: str = "a",
    labels: Sequence[str] = (),
) -> Activity:
    """One population, from trains[trial][neuron]."""
    rows = [(t, i, j) for j, row in enumerate(trains) for i, train in enumerate(row) for t in train]
    times, senders, trials = zip(*rows, strict=True) if rows else ((), (), ())
    spikes = PopulationSpikes.from_unsorted(
        len(trains[0]), np.array(times), np.array(senders), np.array(trials, dtype=np.int64)
    )
    return Activity({name: spikes}, duration_ms, 0.1, n_trials=len(trains), labels=labels)


def poisson_trains(
    generator: np.random.Generator, n_trains: int, rate_hz: float, duration_ms: float
) -> list[np.ndarray]:
    """Independent homogeneous Poisson trains."""
    counts = generator.poisson(rate_hz * duration_ms / 1000, n_trains)
    return [np.sort(generator.uniform(0, duration_ms, n)) for n in counts]


def silent(size: int = 3, n_trials: int = 2, duration_ms: float = 50.0) -> Activity:
    """A population that never fires."""
    spikes = PopulationSpikes.from_unsorted(size, [], [], [])
    return Activity({"a": spikes}, duration_ms, 0.1, n_trials)
