"""Sections on similarity: the best layer of each, and what was not measured is not there."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pages import scores_by_layer

from spikelearn.report import similarity_figures
from spikelearn.report.similarity import accuracy, significance, similarity
from tests.report.test_similarity_words import differences_of


def test_what_was_not_measured_has_no_section():
    assert accuracy(scores_by_layer().assign(test_accuracy=np.nan), pd.DataFrame()) is None
    assert significance(None) is None


def test_the_tables_hold_the_best_layer_of_each_and_notes_once():
    section = similarity(scores_by_layer(0.2), None)
    assert len(section.tables) == 2
    assert [bool(table.notes) for table in section.tables] == [False, True]
    assert [row[0] for row in section.tables[0].rows] == ["backpropagation", "pixels", "untrained"]


def test_the_lead_tells_of_tests_and_intervals_only_where_there_are_some(monkeypatch):
    monkeypatch.setattr(similarity_figures, "similarity_figure", lambda *_: b"<svg>")
    scores = scores_by_layer().query("region == 'human IT'")
    tested = similarity(scores, differences_of(scores, 0.001)).lead
    assert "what tests tell apart: p is Holm's" in tested
    assert "intervals are 95 %" in tested
    for tests in (None, (pd.DataFrame(), pd.DataFrame())):
        lead = similarity(scores, tests).lead
        assert "whether they differ was not tested; intervals are 95 %" in lead
        assert "Holm" not in lead
    bare = similarity(scores.assign(ci_lower=np.nan, ci_upper=np.nan), None)
    assert bare.lead.endswith("was not tested, and there are no intervals.")
    assert "95 %" not in bare.pictures[0].caption
    assert "nan" not in str(bare.tables[0].rows)
    assert "95 %" not in str(bare.tables[0].notes)


def test_a_score_above_its_ceiling_is_flagged():
    scores = scores_by_layer(0.7)
    scores["above_ceiling"] = scores["score"] > scores["ceiling_upper"]
    section = similarity(scores, None)
    human, monkey = (str(table.rows) for table in section.tables)
    assert "0.700, above the ceiling" in human
    assert "above the ceiling" not in monkey
    assert any("Above the ceiling" in note for note in section.tables[1].notes)
