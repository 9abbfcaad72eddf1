"""Similarity and learning curves, as they are drawn."""

from __future__ import annotations

from types import SimpleNamespace

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


def trained(fields, seed=0, added=0.0):
    """A run as it is drawn: its configuration and its epochs."""
    config = sl.TrainConfig(**{"model": "mlp_64", "rule": "backprop", "dataset": "digits",
                               "seed": seed, **fields}).complete()  # fmt: skip
    epochs = SCORES["epochs"].assign(train_loss=SCORES["epochs"]["train_loss"] + added)
    return SimpleNamespace(config=config, epochs=epochs)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"learning_rate": 0.02}, ["learning rate 0.001", "learning rate 0.02"]),
        ({"batch_size": 32}, ["batch size 64", "batch size 32"]),
        ({"changes": {"sizes[1]": 20}}, ["sizes [64, 64, 32, 10]", "sizes [64, 20, 32, 10]"]),
        ({"rule": "feedback_alignment"}, None),
    ],
)
def test_runs_that_differ_in_more_than_the_seed_have_a_line_each(other, said):
    runs = [trained({}, 0), trained(other, 0, 1.0), trained({}, 1, 2.0)]
    axis = sl.plot.learning_curve(runs, "train_loss", axis_of_a_figure())
    means = [line for line in axis.lines if line.get_linewidth() > 1]
    assert len({line.get_color() for line in means}) == 2
    first, second = (run.epochs["train_loss"].to_numpy() for run in runs[:2])
    np.testing.assert_allclose(means[0].get_ydata(), first + 1.0)  # the mean over two seeds
    np.testing.assert_allclose(means[1].get_ydata(), second)
    texts = [text.get_text() for text in axis.get_legend().get_texts()]
    assert len(set(texts)) == 2
    if said:
        assert texts == [f"backpropagation, {words}" for words in said]


def test_lines_are_called_by_options_models_and_data_that_differ():
    def names(*runs):
        axis = sl.plot.learning_curve(runs, ax=axis_of_a_figure())
        return [text.get_text() for text in axis.get_legend().get_texts()]

    bcm = {"rule": "bcm", "model": "mlp_784", "dataset": "mnist"}
    one, two = (trained({**bcm, "options": {"unsupervised_epochs": n}}) for n in (1, 2))
    assert [name.partition(", ")[2] for name in names(one, two)] == [
        "unsupervised epochs 1", "unsupervised epochs 2"]  # fmt: skip
    wide = trained({"model": "mlp_784", "dataset": "mnist"})
    assert names(trained({}), wide)[0].startswith("backpropagation, model mlp_64, data set digits")
    again = trained({}, added=1.0)  # as on another machine
    assert names(trained({}), again) == ["backpropagation, run 1", "backpropagation, run 2"]
    axis = sl.plot.learning_curve([wide, wide], ax=axis_of_a_figure())
    assert axis.get_legend() is None
    assert axis.get_title(loc="left") == "backpropagation"


def test_tables_of_one_rule_and_seed_are_not_taken_for_one_run():
    tables = [SCORES["epochs"][["epoch", "train_loss"]] + [0, n] for n in (0, 1)]
    axis = sl.plot.learning_curve(tables, ax=axis_of_a_figure())
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["table 1", "table 2"]
    for table, line in zip(tables, axis.lines[1::2], strict=True):
        np.testing.assert_allclose(line.get_ydata(), table["train_loss"])
    with pytest.raises(SpikelearnError, match=r"one row an epoch .* several of epoch 0"):
        sl.plot.learning_curve(pd.concat(tables))


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
