"""Spikes in windows, trials by stimulus, and stimuli by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn.recordings._trials import counts_in_windows, shown_stimuli, stacked_repeats

TIMES = st.lists(st.integers(0, 40).map(lambda k: k / 8), max_size=30)


@settings(max_examples=50, deadline=None)
@given(trains=st.lists(TIMES, min_size=1, max_size=4), starts=TIMES)
def test_a_window_holds_its_start_and_not_its_end(trains, starts) -> None:
    ascending = [np.sort(np.array(train)) for train in trains]
    counts = counts_in_windows(ascending, np.array(starts), 0.5)
    expected = [[sum(s <= t < s + 0.5 for t in train) for train in trains] for s in starts]
    assert counts.tolist() == expected


def test_trials_are_sorted_by_stimulus_and_missing_repeats_are_nan() -> None:
    values = np.arange(12.0).reshape(6, 2)
    stacked = stacked_repeats(values, np.array([2, 0, 2, 1, 2, 0]), 3)
    assert stacked.shape == (3, 3, 2)
    np.testing.assert_array_equal(stacked[0], [values[1], values[5], [np.nan, np.nan]])
    np.testing.assert_array_equal(stacked[2], values[[0, 2, 4]])
    assert np.isnan(stacked[1, 1:]).all()


def test_stimuli_are_named_by_label_or_by_the_end_of_a_path() -> None:
    path = Path("session.nwb")
    names = ["images/cat.png", "grey", "dog", "cat"]
    assert shown_stimuli(names, ["cat", "dog"], path).tolist() == [0, -1, 1, 0]
    with pytest.raises(SpikelearnError, match="never shows the stimulus cow and 1 more"):
        shown_stimuli(names, ["cat", "cow", "dog", "hen"], path)
