"""What networks learned: means over seeds, and what went wrong."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.figure import Figure
from pages import accuracy_of_runs, curves, layer_changes

from spikelearn.plot.learning_curves import curve_panel
from spikelearn.report import difference_matrices
from spikelearn.report.accuracy_words import accuracy_sentence
from spikelearn.report.learning import accuracy_table, layer_table, learning


def test_scores_of_seeds_are_averaged_and_troubles_noted():
    table = accuracy_table(accuracy_of_runs())
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    alignment = rows["feedback alignment"]
    assert alignment["test accuracy (%)"] == "81.0 ± 1.0"
    assert alignment["seeds"] == "3"
    assert table.notes == ("untrained, seed 0, 1, 2: collapsed: never predicts 8.",)


def test_each_network_has_its_own_rows_and_matrix(monkeypatch):
    monkeypatch.setattr(difference_matrices, "matrix_figure", lambda _: b"<svg>")
    runs = accuracy_of_runs()
    both = pd.concat([runs, runs[runs["rule"] != "stdp"].assign(model="B", test_accuracy=0.5)])
    section = learning(both)
    rows = [row[:2] for row in section.tables[0].rows]
    assert rows.count(("backpropagation", "mlp_784")) == rows.count(("backpropagation", "B")) == 1
    captions = [picture.caption for picture in section.pictures]
    assert [", on mlp_784" in words for words in captions] == [False, True, False]
    assert [", on B" in words for words in captions] == [False, False, True]
    assert len(learning(runs.assign(test_accuracy=float("nan"))).pictures) == 0


def test_curves_and_layers_of_one_rule_on_two_networks_are_not_pooled():
    """The same rule on B has learned half as well, and moved its weights twice as far."""
    moved, curve = layer_changes(), curves()
    both = pd.concat([moved, moved.assign(model="B", weight_displacement=0.6)])
    assert layer_table(moved).columns == ("rule", "layer", *layer_table(moved).columns[2:])
    rows = [row[:4] for row in layer_table(both).rows]
    assert rows == [
        ("backpropagation", "m", "hidden1", "0.30"), ("backpropagation", "B", "hidden1", "0.60"),
    ]  # fmt: skip
    half = curve.assign(model="B", validation_accuracy=curve["validation_accuracy"] / 2)
    axis = Figure().subplots()
    curve_panel(axis, pd.concat([curve, half]), "validation_accuracy")
    last = {line.get_label(): line.get_ydata()[-1] for line in axis.lines}
    assert last["backpropagation on m"] == pytest.approx(70.0)
    assert last["backpropagation on B"] == pytest.approx(35.0)
    assert len({line.get_linestyle() for line in axis.lines if "on" in str(line.get_label())}) == 2
    axis = Figure().subplots()
    curve_panel(axis, curve, "validation_accuracy")
    assert {"backpropagation", "STDP"} <= {line.get_label() for line in axis.lines}


@pytest.mark.parametrize("nothing", [None, pd.DataFrame()])
def test_without_runs_there_is_no_section(nothing):
    assert learning(nothing) is None


def test_every_rule_stands_beside_its_controls() -> None:
    """A rule is above a control only where a test tells it so; baselines have none."""
    runs = accuracy_of_runs()
    runs["linear_readout"] = runs["random_features"] = 0.805
    runs.loc[runs["rule"] == "stdp", ["linear_readout", "random_features"]] = float("nan")
    table = accuracy_table(runs)
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    column = "beside its controls"
    assert rows["backpropagation"][column] == "above linear readout and random features"
    assert rows["feedback alignment"]["linear readout (%)"] == "80.5 ± 0.0"
    said = rows["feedback alignment"][column]
    assert said.startswith("no better than linear readout (difference +0.5 points, −")
    assert rows["STDP"][column] == rows["STDP"]["random features (%)"] == "not run"
    assert rows["untrained"][column] == ""
    text = accuracy_sentence(runs)
    assert "Feedback alignment is no better than linear readout (difference +0.5 points" in text
    assert "Without controls: STDP." in text
    assert "no better" not in accuracy_sentence(accuracy_of_runs())
    assert column not in accuracy_table(accuracy_of_runs()).columns
