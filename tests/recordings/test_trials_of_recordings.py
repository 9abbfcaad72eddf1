"""Spikes in windows, windows that were observed, and trials by stimulus."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn.recordings._trials import (
    counts_in_windows,
    observed_windows,
    stacked_repeats,
    touched_windows,
)

TIMES = st.lists(st.integers(0, 40).map(lambda k: k / 8), max_size=30)


@settings(max_examples=50, deadline=None)
@given(trains=st.lists(TIMES, min_size=1, max_size=4), starts=TIMES)
def test_a_window_holds_its_start_and_not_its_end(trains, starts) -> None:
    ascending = [np.sort(np.array(train)) for train in trains]
    counts = counts_in_windows(ascending, np.array(starts), 0.5)
    expected = [[sum(s <= t < s + 0.5 for t in train) for train in trains] for s in starts]
    assert counts.tolist() == expected


def test_rounding_moves_no_spike_over_the_edge_of_a_window() -> None:
    # 0.1 + 0.2 is a little more than 0.3, and 3 * 0.3 a little less than 0.9.
    counts = counts_in_windows([np.array([0.3, 3 * 0.3])], np.array([0.1, 0.1 + 0.2, 0.9]), 0.2)
    assert counts[:, 0].tolist() == [0, 1, 1]


def test_trials_are_sorted_by_stimulus_and_missing_repeats_are_nan() -> None:
    values = np.arange(12.0).reshape(6, 2)
    stacked = stacked_repeats(values, np.array([2, 0, 2, 1, 2, 0]), 3)
    assert stacked.shape == (3, 3, 2)
    np.testing.assert_array_equal(stacked[0], [values[1], values[5], [np.nan, np.nan]])
    np.testing.assert_array_equal(stacked[2], values[[0, 2, 4]])
    assert np.isnan(stacked[1, 1:]).all()


@settings(max_examples=50, deadline=None)
@given(
    stretches=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)), min_size=1, max_size=4),
    starts=TIMES,
)
def test_a_window_is_observed_only_where_all_of_it_is(stretches, starts) -> None:
    intervals = [(b / 8, (b + length) / 8) for b, length in stretches]
    found = observed_windows(np.array(intervals), np.array(starts), 0.5)
    eighths = {b + k for b, length in stretches for k in range(length)}
    expected = [{round(s * 8) + k for k in range(4)} <= eighths for s in starts]
    assert found.tolist() == expected


def test_stretches_that_touch_are_one_and_gaps_are_gaps() -> None:
    starts = np.array([0.0, 0.8, 1.7, 2.5])
    touching = np.array([[1.0, 2.0], [0.0, 1.0]])
    assert observed_windows(touching, starts, 0.4).tolist() == [True, True, False, False]
    assert touched_windows(np.array([[1.1, 1.2]]), starts, 0.4).tolist() == [
        False, True, False, False,
    ]  # fmt: skip
    assert touched_windows(np.array([[0.4, 0.8]]), starts, 0.4).tolist() == [False] * 4
