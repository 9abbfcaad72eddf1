"""Figures of similarity: a row for every layer, a panel for every region."""

from __future__ import annotations

import pandas as pd
import pytest
from pages import scores_by_layer

from spikelearn.comparison.tables import TableKeyError
from spikelearn.report.similarity_figures import accuracy_figure, similarity_figure


def test_every_region_has_a_panel_and_every_drawing_the_same_bytes():
    scores = scores_by_layer()
    drawn = similarity_figure(scores)
    assert drawn.count(b'id="axes_') == scores["region"].nunique()
    assert similarity_figure(scores) == drawn
    one = scores[scores["region"] == "human IT"]
    assert similarity_figure(one).count(b'id="axes_') == 1


def test_lines_along_training_are_drawn_where_there_are_some():
    scores = scores_by_layer()
    along = pd.DataFrame(
        {"recording": "r", "region": "human IT", "method": "rsa", "measure": "spearman",
         "model": "backprop", "network": "mlp", "seed": 0,
         "epoch": [0, 1], "score": [0.0, 0.1], "validation_accuracy": [0.1, 0.9]}
    )  # fmt: skip
    translucent = b"stroke-opacity: 0.6"
    assert translucent not in accuracy_figure(scores, pd.DataFrame())
    assert accuracy_figure(scores, along).count(translucent) == 1


def test_a_row_that_stands_twice_is_not_drawn():
    scores = scores_by_layer()
    with pytest.raises(TableKeyError, match="not told apart"):
        similarity_figure(pd.concat([scores, scores.head(1)]))
