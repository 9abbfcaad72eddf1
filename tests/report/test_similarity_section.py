"""Sections on similarity: the sentence says what the scores say."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pages import scores_by_layer

from spikelearn.report.similarity import accuracy, sentences, significance, similarity


def test_the_leading_sentences_say_what_the_scores_say():
    text = sentences(scores_by_layer(0.05))
    assert "noise ceiling 0.400 to 0.600: of the trained networks backpropagation on mlp" in text
    assert "comes closest, 0.050 (hidden1); the pixels 0.080" in text
    assert "the best untrained network 0.030" in text
    assert text.count("comes closest") == 2


def test_a_region_without_a_trained_score_has_no_sentence():
    assert sentences(scores_by_layer(np.nan)) == ""
    assert accuracy(scores_by_layer().assign(test_accuracy=np.nan), pd.DataFrame()) is None
    assert significance(None) is None


def test_the_tables_hold_the_best_layer_of_each_and_notes_once():
    section = similarity(scores_by_layer(0.2), None)
    assert len(section.tables) == 2
    assert [bool(table.notes) for table in section.tables] == [False, True]
    assert [row[0] for row in section.tables[0].rows] == ["backpropagation", "pixels", "untrained"]
