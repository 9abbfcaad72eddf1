"""What the networks of a study learned, read from its runs."""

from __future__ import annotations

import pandas as pd
import pytest

from spikelearn.studies.study_learning import accuracy_table, layer_changes, learning_curves
from spikelearn.training.opening import open_run


def test_accuracy_curves_and_layers_are_those_of_the_runs(done):
    table = accuracy_table(done.runs)
    assert list(table.rule) == ["backprop", "feedback_alignment"] * 2
    assert list(table.seed) == [0, 0, 1, 1]
    assert set(table.backend) == {"torch"}
    run = open_run(done.runs[3])
    assert table.test_accuracy[3] == run.summary["test_accuracy"]
    moved = run.layers.weight_displacement
    assert table.mean_weight_displacement[3] == pytest.approx(moved.mean())
    of_run = {"rule": "feedback_alignment", "seed": 1}
    for whole, part in ((learning_curves(done.runs), run.epochs),
                        (layer_changes(done.runs), run.layers)):  # fmt: skip
        chosen = whole[(whole.rule == of_run["rule"]) & (whole.seed == of_run["seed"])]
        pd.testing.assert_frame_equal(chosen[part.columns].reset_index(drop=True), part)


def test_networks_of_one_rule_are_called_the_same_in_all_tables(done):
    names = set(accuracy_table(done.runs).model)
    for table in (learning_curves(done.runs), layer_changes(done.runs)):
        assert set(table.model) == names
