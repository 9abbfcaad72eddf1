"""Rule against rule: rows less columns, grey where no test tells, each pair once in the table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn.report.accuracy_words import differences_of_accuracy
from spikelearn.report.difference_matrices import (
    DifferenceMatrix,
    accuracy_matrix,
    matrix_figure,
    matrix_picture,
    pairs_table,
    rule_against_rule,
    similarity_matrices,
)
from tests.report.test_accuracy_words import runs
from tests.report.test_similarity_words import differences_of, scores

GREY = b"#e4e6e9"


@pytest.fixture
def made() -> DifferenceMatrix:
    table = scores()
    tests = differences_of(table, 0.001, backprop_softhebb=0.3)
    (one,) = similarity_matrices(table, tests)
    return one


def test_cells_are_rows_less_columns_of_trained_networks_the_highest_first(made):
    assert made.names == ["backpropagation", "SoftHebb", "feedback alignment"]
    np.testing.assert_allclose(made.difference[0, 1:], [0.02, 0.07])
    np.testing.assert_allclose(made.difference, -made.difference.T)
    np.testing.assert_allclose(made.low, -made.high.T)
    assert np.isnan(np.diag(made.p)).all()
    assert made.told.sum() == 4  # both ways
    assert not made.told[0, 1]


def test_what_is_not_told_apart_is_grey(made):
    assert matrix_figure(made).count(b"fill: " + GREY) == 2
    assert "2 of 3 pairs are told apart" in matrix_picture(made).caption


def test_the_table_has_each_pair_once_as_a_gain(made):
    table = pairs_table(made, "t")
    assert [row[:3] for row in table.rows] == [
        ("backpropagation", "feedback alignment", "+0.070"),
        ("SoftHebb", "feedback alignment", "+0.050"),
        ("backpropagation", "SoftHebb", "+0.020"),
    ]
    assert [row[-1] for row in table.rows] == ["told apart", "told apart", "no difference found"]
    assert table.rows[2][3:5] == ("+0.010 to +0.030", "0.300")
    turned = DifferenceMatrix("t", ["a", "b"], *np.array([[[0, -2], [2, 0]]] * 4))
    assert pairs_table(turned, "t").rows[0][:3] == ("b", "a", "+2.000")


def test_there_is_no_section_without_tests_or_without_two_networks():
    table = scores()
    assert rule_against_rule(table, None) is None
    one = table[table.model.isin(["pixels", "untrained", "backprop"])]
    assert rule_against_rule(one, differences_of(one, 0.001)) is None
    section = rule_against_rule(table, differences_of(table, 0.001))
    assert len(section.pictures) == len(section.folded) == 1


def test_accuracies_are_compared_in_points():
    frame = runs(backprop=0.9, feedback_alignment=0.5, softhebb=0.7)
    means = frame.groupby("rule")["test_accuracy"].mean()
    made = accuracy_matrix(means, differences_of_accuracy(frame))
    assert made.names == ["backpropagation", "SoftHebb", "feedback alignment"]
    np.testing.assert_allclose(made.difference[0, 1:], [20.0, 40.0])
    assert made.number(-20.0) == "−20.0"


@pytest.mark.parametrize("n", [5, 9, 20])
def test_many_rules_have_less_in_a_cell_and_all_names(n):
    values = pd.Series(np.linspace(0.1, 0.9, n), [f"rule_{k}" for k in range(n)])
    frame = runs(**{str(rule): value for rule, value in values.items()})
    made = accuracy_matrix(values, differences_of_accuracy(frame))
    drawn = matrix_figure(made)
    assert drawn.count(b"fill: " + GREY) == int((made.p >= 0.05).sum())
    assert (b"<!-- \xe2\x88\x92" in drawn) == (n <= 12)  # a number begins with its sign
