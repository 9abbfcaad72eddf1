"""Trials of one label are trials of one stimulus."""

from __future__ import annotations

import numpy as np

from spikelearn.responses import (
    spike_counts,
)
from spikelearn.responses._labels import name_order
from tests.responses.examples import random_activity, random_response


def test_trials_of_one_stimulus_are_averaged() -> None:
    activity = random_activity(2, n_trials=5, labels=["b", "a", "b", "b", "a"])
    counts = spike_counts(activity, "out")
    single = activity["out"].counts(5)
    assert list(counts["stimulus"].values) == ["b", "a"]
    np.testing.assert_allclose(counts.sel(stimulus="b"), single[[0, 2, 3]].mean(axis=0))
    np.testing.assert_allclose(counts.sel(stimulus="a"), single[[1, 4]].mean(axis=0))


def test_places_are_in_the_order_of_names_where_there_are_names() -> None:
    response = random_response(0, n_stimuli=3, n_units=4)
    named = response.assign_coords(stimulus=["s10", "s2", "s1"], unit=[3, 10, 2, 1])
    assert name_order(named, "stimulus").tolist() == [2, 1, 0]
    assert name_order(named, "unit").tolist() == [3, 2, 0, 1]
    assert name_order(response.drop_vars("unit", errors="ignore"), "unit").tolist() == [0, 1, 2, 3]
