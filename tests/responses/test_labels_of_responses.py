"""Trials of one label are trials of one stimulus."""

from __future__ import annotations

import numpy as np

from spikelearn.responses import (
    spike_counts,
)
from tests.responses.examples import random_activity


def test_trials_of_one_stimulus_are_averaged() -> None:
    activity = random_activity(2, n_trials=5, labels=["b", "a", "b", "b", "a"])
    counts = spike_counts(activity, "out")
    single = activity["out"].counts(5)
    assert list(counts["stimulus"].values) == ["b", "a"]
    np.testing.assert_allclose(counts.sel(stimulus="b"), single[[0, 2, 3]].mean(axis=0))
    np.testing.assert_allclose(counts.sel(stimulus="a"), single[[1, 4]].mean(axis=0))
