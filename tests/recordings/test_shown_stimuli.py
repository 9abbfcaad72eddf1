"""What the names and rows of files mean among the stimuli that were shown."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.recordings._shown import ShownStimuli, image_label


def test_stimuli_are_named_by_label_or_by_the_end_of_a_path() -> None:
    names = ["images/cat.png", "grey", "dog", "cat", "c:\\images\\dog.JPG"]
    stimuli = ShownStimuli(("cat", "dog"))
    assert stimuli.presented(names, "session.nwb").tolist() == [0, -1, 1, 0, 1]
    assert stimuli.notes == []
    with pytest.raises(SpikelearnError, match="never shows the stimulus cow and 1 more"):
        ShownStimuli(("cat", "cow", "dog", "hen")).presented(names, "session.nwb")


@pytest.mark.parametrize("written", ["Cat_1", "cat 1", "cat__1", "CAT-1.png"])
def test_a_name_that_is_written_differently_is_taken_and_said(written) -> None:
    stimuli = ShownStimuli(("cat_1", "cat_2"))
    assert stimuli.numbers([written, "cat_2"], "s.nwb").tolist() == [0, 1]
    (note,) = stimuli.notes
    assert f"'{written}' for cat_1" in note


def test_another_spelling_is_another_name_where_the_stimulus_is_named_itself() -> None:
    stimuli = ShownStimuli(("cat", "dog"))
    assert stimuli.numbers(["cat", "Cat", "dog"], "s.nwb").tolist() == [0, -1, 1]
    with pytest.raises(SpikelearnError, match="may be the stimulus Cat or cat"):
        ShownStimuli(("Cat", "cat", "dog")).numbers(["CAT"], "s.nwb")


def test_numbers_are_the_same_however_they_are_written() -> None:
    stimuli = ShownStimuli(("01", "02", "10"))
    assert stimuli.numbers(["10", "1", "2.0"], "t.csv").tolist() == [2, 0, 1]
    assert len(stimuli.notes) == 1
    exact = ShownStimuli(("1", "01"))
    assert exact.numbers(["01", "1"], "t.csv").tolist() == [1, 0]
    assert exact.notes == []


def test_a_point_in_a_name_is_no_suffix_of_an_image() -> None:
    assert image_label("a/v1.2") == "v1.2"
    assert image_label("a/v1.2.png") == "v1.2"
    assert ShownStimuli(("v1", "v2")).numbers(["v1.2", "v2"], "s").tolist() == [-1, 1]


def test_rows_are_each_a_stimulus_once() -> None:
    stimuli = ShownStimuli(("a", "b", "c"))
    assert stimuli.rows(["c", "a", "b.png"], "t.csv") == [1, 2, 0]
    for names, sentence in (
        (["a", "b", "b", "c"], "names b twice"),
        (["a", "b", "d"], "lacks the stimulus c"),
        (["a", "b", "c", "d"], "names other stimuli too, such as d"),
        (["a", "b", "c", "a.png"], "names other stimuli too"),
    ):
        with pytest.raises(SpikelearnError, match=sentence):
            stimuli.rows(names, "t.csv")


def test_rows_without_names_are_read_by_place_and_said_or_refused() -> None:
    stimuli = ShownStimuli(("a", "b"))
    stimuli.by_place("x.npy")
    stimuli.by_place("x.npy")
    (note,) = stimuli.notes
    assert "x.npy names no stimuli" in note
    with pytest.raises(SpikelearnError, match=r"x\.npy names no stimuli, and two orders"):
        ShownStimuli(("a", "b"), doubt="two orders are possible").by_place("x.npy")


def test_units_that_miss_a_stimulus_are_left_out_and_named() -> None:
    values = np.arange(18.0).reshape(3, 2, 3)
    values[1, :, 2] = np.nan
    values[2, 1, 0] = np.nan
    stimuli = ShownStimuli(("a", "b", "c"))
    kept, names = stimuli.observed_units(values, ("u", "v", "w"), "s.nwb, V1")
    np.testing.assert_array_equal(kept, values[:, :, :2])
    assert names == ("u", "v")
    assert stimuli.notes == [
        "s.nwb, V1: 1 of 3 units are left out; unit w was never observed while b was shown"
    ]
    holes = np.where(np.eye(3, dtype=bool)[:, None], np.nan, np.ones((3, 1, 3)))
    with pytest.raises(SpikelearnError, match="no unit was observed under every stimulus"):
        stimuli.observed_units(holes, ("u", "v", "w"), "s.nwb, V1")


def test_dead_units_are_left_out_and_missing_stimuli_stay_missing() -> None:
    values = np.arange(24.0).reshape(4, 2, 3)
    values[:, :, 1] = np.nan
    values[2] = np.nan
    stimuli = ShownStimuli(("a", "b", "c", "d"))
    kept, names = stimuli.observed_units(values, ("u", "v", "w"), "s.csv, V1")
    np.testing.assert_array_equal(kept, values[:, :, [0, 2]])
    assert names == ("u", "w")
    assert stimuli.notes == [
        "s.csv, V1: 1 stimulus was not observed: c",
        "s.csv, V1: 1 of 3 units were never observed and are left out: v",
    ]
    with pytest.raises(SpikelearnError, match="c; 1 of 3 units were never observed: v; `gaps: r"):
        ShownStimuli(("a", "b", "c", "d"), gaps="refuse").observed_units(values, "uvw", "s.csv")
    with pytest.raises(SpikelearnError, match="no response was observed"):
        stimuli.observed_units(np.full((4, 1, 2), np.nan), ("u", "v"), "s.csv, V1")


def test_units_stay_where_stimuli_are_to_be_left_out() -> None:
    values = np.arange(12.0).reshape(4, 1, 3)
    values[1, 0, 2] = np.nan
    stimuli = ShownStimuli(("a", "b", "c", "d"), gaps="stimuli")
    kept, names = stimuli.observed_units(values, ("u", "v", "w"), "s.csv, V1")
    np.testing.assert_array_equal(kept, values)
    assert names == ("u", "v", "w")
    assert "1 of 3 units lack a stimulus that others have; unit w" in stimuli.notes[0]
