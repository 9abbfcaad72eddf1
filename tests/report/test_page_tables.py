"""Tables of a page: numbers flush right, a true minus, a dash for what is not there."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spikelearn.report.page import as_table, fixed, mean_and_spread


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
