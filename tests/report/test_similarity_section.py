"""Sections on similarity: the best layer of each, and what was not measured is not there."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pages import scores_by_layer

from spikelearn.report.similarity import accuracy, significance, similarity


def test_what_was_not_measured_has_no_section():
    assert accuracy(scores_by_layer().assign(test_accuracy=np.nan), pd.DataFrame()) is None
    assert significance(None) is None


def test_the_tables_hold_the_best_layer_of_each_and_notes_once():
    section = similarity(scores_by_layer(0.2), None)
    assert len(section.tables) == 2
    assert [bool(table.notes) for table in section.tables] == [False, True]
    assert [row[0] for row in section.tables[0].rows] == ["backpropagation", "pixels", "untrained"]


def test_a_score_above_its_ceiling_is_flagged():
    scores = scores_by_layer(0.7)
    scores["above_ceiling"] = scores["score"] > scores["ceiling_upper"]
    section = similarity(scores, None)
    human, monkey = (str(table.rows) for table in section.tables)
    assert "0.700, above the ceiling" in human
    assert "above the ceiling" not in monkey
    assert any("Above the ceiling" in note for note in section.tables[1].notes)
