"""Sentences on the summary stand where they are true, and nowhere else."""

from __future__ import annotations

import numpy as np
from poisson import activity_of, poisson_trains

from spikelearn.spikes import remarks, summary


def _remarks(activity) -> list[str]:
    return remarks(activity, summary(activity))


def test_few_intervals_and_stimuli_shown_once_are_said() -> None:
    trains = [poisson_trains(np.random.default_rng(seed), 20, 10.0, 500.0) for seed in (0, 1)]
    few, once = _remarks(activity_of(trains, 500.0, labels=("x", "y")))
    assert "no neuron of a has" in few
    assert "cv2 is 1 for a Poisson process" in few
    assert "each of the 2 trials has a stimulus of its own" in once
    *_, repeated = _remarks(activity_of(trains, 500.0, labels=("x", "x")))
    assert repeated == "fano_factor rests on 2 trials of each of 1 stimulus"


def test_a_transient_is_said_with_both_numbers() -> None:
    generator = np.random.default_rng(2)
    steady = poisson_trains(generator, 100, 60.0, 1000.0)
    assert not _remarks(activity_of([steady]))
    (said,) = _remarks(activity_of([[np.append(train, 1.0) for train in steady]]))
    assert said.startswith("synchrony of a is ")
    assert "without its first 200 ms" in said
