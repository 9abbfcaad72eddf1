"""Matrices of a study: brains by their subjects, categories together, and a table of all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import squareform
from scipy.stats import rankdata
from small_recording import small_recording

from spikelearn.studies.study_matrices import (
    by_category,
    matrices_of_recording,
    matrices_table,
    matrix_of_network,
)
from tests.comparison.rsa_examples import response


def test_a_region_without_a_published_matrix_is_the_mean_rank_of_its_subjects():
    made = small_recording()
    ranks = [rankdata(one.dissimilarities) for one in made.rdms]
    wanted = rankdata(np.sum(ranks, axis=0)) / len(ranks[0])
    found = squareform(matrices_of_recording(made)["IT"], checks=False)
    np.testing.assert_allclose(found, wanted)


def test_a_subject_counts_once_however_many_sessions_it_has_and_gaps_stay_gaps():
    made = small_recording()
    first, second, third = made.rdms
    gap = first.dissimilarities.copy()
    gap[0] = np.nan
    again = replace(second, session="2", dissimilarities=first.dissimilarities)
    both = replace(made, rdms=(first, second, again))
    ranks = [rankdata(one.dissimilarities) for one in (first, second)]
    wanted = rankdata(3 * ranks[0] + ranks[1]) / len(gap)
    np.testing.assert_allclose(squareform(matrices_of_recording(both)["IT"], checks=False), wanted)
    alone = replace(made, rdms=(replace(first, dissimilarities=gap),))
    assert np.isnan(matrices_of_recording(alone)["IT"][0, 1])
    two = replace(made, rdms=(replace(first, dissimilarities=gap), third))
    assert np.isfinite(matrices_of_recording(two)["IT"]).all()


def test_the_last_hidden_layer_is_shown_or_the_only_one():
    layer = response(np.random.default_rng(0).random((4, 3)))
    assert matrix_of_network({"hidden1": layer, "hidden2": layer, "output": layer})[0] == "hidden2"
    name, matrix = matrix_of_network({"output": layer})
    assert (name, matrix.shape) == ("output", (4, 4))


def test_categories_that_are_mixed_are_brought_together_in_their_own_order():
    made = small_recording(6)
    even = np.arange(6) % 2 == 0
    mixed = replace(made, categories={"cat": even, "dog": np.array([False, True] + 4 * [False])})
    order, groups = by_category(mixed)
    assert list(order) == [0, 2, 4, 1, 3, 5]
    assert groups == [(0, 3, "cat"), (3, 4, "dog")]


@pytest.mark.parametrize(
    ("categories", "groups"),
    [
        ({}, []),
        ({"a": [1, 1, 0, 0], "b": [0, 0, 1, 1]}, [(0, 2, "a"), (2, 4, "b")]),
        ({"a": [1, 0, 1, 0], "b": [1, 1, 0, 0]}, [(0, 2, "b")]),  # overlapping
        ({"a": [0, 0, 0, 0]}, []),
    ],
)
def test_else_the_order_stays(categories, groups):
    given = {name: np.array(members, dtype=bool) for name, members in categories.items()}
    order, found = by_category(replace(small_recording(4), categories=given))
    assert list(order) == [0, 1, 2, 3]
    assert found == groups


def test_the_table_has_a_row_a_pair_and_a_column_a_matrix():
    matrix = np.array([[0, 0.1, 0.2], [0.1, 0, np.nan], [0.2, np.nan, 0]])
    table = matrices_table({"V1": matrix}, ["a", "b", "c"])
    assert table[["stimulus_a", "stimulus_b"]].to_numpy().tolist() == [
        ["a", "b"], ["a", "c"], ["b", "c"],
    ]  # fmt: skip
    np.testing.assert_array_equal(table["V1"], [0.1, 0.2, np.nan])
