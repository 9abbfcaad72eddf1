"""Similarity and learning curves, as they are drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawn import SCORES, axis_of_a_figure
from matplotlib.figure import Figure

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn.plot.similarities import ceiling_of, means_over_seeds


def test_marks_are_means_over_seeds_from_the_lowest_to_the_highest():
    scores = means_over_seeds(SCORES["similarity"])
    hidden = scores.query("region == 'IT' and layer == 'hidden1'").iloc[0]
    assert hidden[["score", "score_min", "score_max"]].tolist() == pytest.approx([0.35, 0.3, 0.4])
    assert ceiling_of(scores) == (0.5, 0.6)
    axis = sl.plot.similarity(SCORES["similarity"], "IT", axis_of_a_figure())
    marks = [line for line in axis.lines if line.get_marker() in ("s", "D")]
    assert [line.get_marker() for line in marks] == ["D", "s", "s"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in marks], [0.2, 0.35, 0.1])
    names = [text.get_text() for text in axis.get_yticklabels()]
    assert names[:2] == ["pixels", "backpropagation"]
    assert "mlp" in names


def test_every_region_has_its_axis():
    axes = Figure().subplots(1, 2)
    assert list(sl.plot.similarity(SCORES["similarity"], ax=axes)) == list(axes)
    assert [axis.get_title(loc="left").split("\n")[1] for axis in axes] == ["V1", "IT"]
    with pytest.raises(SpikelearnError, match=r"2 panels .* found 1; .* mine V1 rsa spearman"):
        sl.plot.similarity(SCORES["similarity"], ax=axes[0])


def test_what_is_no_table_of_scores_is_refused():
    table = SCORES["similarity"]
    for given in (3, "runs", table.drop(columns=["score"]), pd.DataFrame()):
        with pytest.raises(SpikelearnError, match=r"a table of `compare` as a whole"):
            sl.plot.similarity(given)
    with pytest.raises(SpikelearnError, match=r"there is no region 'V2'; there are V1, IT"):
        sl.plot.similarity(table, "V2")
    with pytest.raises(SpikelearnError, match=r"no scores"):
        sl.plot.similarity(table.iloc[:0])


def test_a_learning_curve_has_a_thin_line_a_seed_and_a_thick_mean():
    tables = [SCORES["epochs"].assign(rule="backprop", seed=seed) for seed in (0, 1)]
    tables[1]["validation_accuracy"] += 0.1
    axis = sl.plot.learning_curve(tables, ax=axis_of_a_figure())
    first, second, mean = axis.lines
    np.testing.assert_allclose(first.get_ydata(), [10, 50, 80])
    np.testing.assert_allclose(mean.get_xydata(), [[0, 15], [1, 55], [2, 85]])
    assert mean.get_linewidth() > second.get_linewidth()
    assert axis.get_title(loc="left") == "backpropagation"


def test_rules_are_told_apart_also_those_of_one_colour():
    tables = [SCORES["epochs"].assign(rule=f"my_rule.py:Rule{n}", seed=0) for n in (1, 2)]
    axis = sl.plot.learning_curve(tables, "train_loss", axis_of_a_figure())
    assert len({line.get_color() for line in axis.lines}) == 2
    assert axis.get_yscale() == "log"
    assert len(axis.get_legend().get_texts()) == 2


def test_what_has_no_epochs_is_refused(tmp_path):
    for given in (3, None, [3], object()):
        with pytest.raises(SpikelearnError, match=r"a trained run, its folder or its epochs"):
            sl.plot.learning_curve(given)
    with pytest.raises(SpikelearnError, match=r"no run was given"):
        sl.plot.learning_curve([])
    with pytest.raises(SpikelearnError, match=r"a column 'epoch', found a"):
        sl.plot.learning_curve(pd.DataFrame({"a": [1]}))
    with pytest.raises(SpikelearnError, match=r"no measure .loss.; there are train_loss"):
        sl.plot.learning_curve(SCORES["epochs"], "loss")
    with pytest.raises(SpikelearnError):
        sl.plot.learning_curve(tmp_path / "none")
