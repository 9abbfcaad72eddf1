"""Tables of a page: numbers flush right, a true minus, a dash for what is not there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn.report.page_tables import as_table, fixed, mean_and_spread, numbers_of


def test_numbers_are_told_from_words_and_written_for_readers():
    frame = pd.DataFrame({"name": ["a", "b"], "value": [-0.5, np.nan], "score": ["1", "2"]})
    table = as_table(frame, "t", "c", ["n"])
    assert table.numeric == (False, True, True)
    assert table.rows == (("a", "−0.500", "1"), ("b", "–", "2"))
    assert table.notes == ("n",)
    assert fixed(-1.25, 1) == "−1.2"


def test_one_seed_has_no_spread():
    assert mean_and_spread(pd.Series([0.5])) == "0.500"
    assert mean_and_spread(pd.Series([0.5, 0.7, np.nan])) == "0.600 ± 0.141"
    assert mean_and_spread(pd.Series([np.nan])) == "–"


def test_cells_are_sorted_by_the_number_that_they_begin_with():
    cells = [
        "−0.050 to 0.020",
        "96.1 ± 0.3",
        "1,234",
        "1e-3",
        "0.7, above the ceiling",
        "5 %",
        "–",
        "",
    ]
    assert numbers_of(cells) == (-0.05, 96.1, 1234.0, 0.001, 0.7, 5.0, None, None)
    small, limit = numbers_of(["< 0.001", "0.001"])
    assert small < limit
    assert small == pytest.approx(limit)


@pytest.mark.parametrize("words", ["hidden1", "2afc", "3-layer", "mlp_64", "C1", "1.2.3", "12:30"])
def test_words_that_hold_digits_are_no_numbers(words):
    assert numbers_of(["1.0", words]) is None
    assert numbers_of(["", "–"]) is None


def test_rows_stand_by_value_with_the_empty_ones_last():
    frame = pd.DataFrame({"rule": list("abcd"), "score": ["0.1", "–", "−3.0", "0.20, above"]})
    table = as_table(frame, "t", "c", by="score")
    assert [row[0] for row in table.rows] == ["d", "a", "c", "b"]
    assert table.by == "score"
    words = as_table(frame.assign(score=list("wxyz")), "t", "c", by="score")
    assert [row[0] for row in words.rows] == list("abcd")
    assert words.by == ""
