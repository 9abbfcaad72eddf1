"""What networks learned: means over seeds, and what went wrong."""

from __future__ import annotations

import pandas as pd
import pytest
from pages import accuracy_of_runs

from spikelearn.report.learning import accuracy_table, learning


def test_scores_of_seeds_are_averaged_and_troubles_noted():
    table = accuracy_table(accuracy_of_runs())
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    alignment = rows["feedback alignment"]
    assert alignment["test accuracy (%)"] == "81.0 ± 1.0"
    assert alignment["seeds"] == "3"
    assert table.notes == ("untrained, seed 0, 1, 2: collapsed: never predicts 8.",)


@pytest.mark.parametrize("nothing", [None, pd.DataFrame()])
def test_without_runs_there_is_no_section(nothing):
    assert learning(nothing) is None
