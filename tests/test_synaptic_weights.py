"""Weights by synapse read as the matrix of their sums, and keep every synapse."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from spikelearn import SpikelearnError
from spikelearn._synaptic_weights import SynapticWeights

TWICE = SynapticWeights([0, 2, 0, 1], [1, 0, 1, 1], [0.5, 2.0, 0.25, -1.0], (3, 2))
MATRIX = np.array([[0.0, 0.75], [0.0, -1.0], [2.0, 0.0]])


def test_it_reads_as_the_matrix_of_sums() -> None:
    np.testing.assert_array_equal(TWICE, MATRIX)
    np.testing.assert_array_equal(TWICE[:, 1], MATRIX[:, 1])
    np.testing.assert_array_equal(TWICE - MATRIX, np.zeros((3, 2)))
    np.testing.assert_array_equal(2.0 * TWICE + TWICE, 3.0 * MATRIX)
    np.testing.assert_array_equal(np.abs(TWICE), np.abs(MATRIX))
    assert np.asarray(TWICE, dtype=np.float32).dtype == np.float32
    assert (TWICE.shape, TWICE.ndim, len(TWICE), TWICE.n_synapses) == ((3, 2), 2, 3, 4)
    assert repr(TWICE) == "<weights of 4 synapses from 3 to 2 neurons>"


def test_it_has_what_tells_of_an_array_and_nothing_that_would_change_a_copy() -> None:
    np.testing.assert_array_equal(TWICE.T, MATRIX.T)
    np.testing.assert_array_equal(TWICE.sum(axis=0), MATRIX.sum(axis=0))
    assert (TWICE.mean(), TWICE.max(), TWICE.size) == (MATRIX.mean(), 2.0, 6)
    assert TWICE.tolist() == MATRIX.tolist()
    for name in ("fill", "sort", "put", "nonsense"):
        assert not hasattr(TWICE, name)
    again = pickle.loads(pickle.dumps(copy.deepcopy(TWICE)))  # noqa: S301 - our own
    np.testing.assert_array_equal(again, MATRIX)


def test_two_synapses_of_one_pair_stay_two() -> None:
    assert TWICE.values.tolist() == [0.5, 2.0, 0.25, -1.0]
    assert list(zip(TWICE.pre.tolist(), TWICE.post.tolist(), strict=True)).count((0, 1)) == 2


@pytest.mark.parametrize(
    ("pre", "post", "values", "sentence"),
    [
        ([0, 1], [1], [1.0], "lists of one length"),
        ([0, 3], [1, 1], [1.0, 2.0], "pre must lie in 0 to 2, found 0 to 3"),
        ([0, 1], [1, -1], [1.0, 2.0], "post must lie in 0 to 1, found -1 to 1"),
    ],
)
def test_what_is_no_synapse_is_refused(pre, post, values, sentence) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        SynapticWeights(pre, post, values, (3, 2))
