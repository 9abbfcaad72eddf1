"""Relabelled stimuli: the fast scores are those of maps that are fitted anew."""

from __future__ import annotations

import numpy as np
import pytest
from response_examples import related_pair

from spikelearn.comparison.response_methods import RESPONSE_METHODS, response_folds
from spikelearn.comparison.response_permutations import orders_of_stimuli, relabelled

# Fewer and more units than stimuli, on either side.
SHAPES = [(25, 8, 5), (30, 60, 12), (28, 6, 40), (26, 40, 45)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_scores_of_relabelled_stimuli_are_those_of_fits_made_anew(method, shape) -> None:
    n, p, q = shape
    x, y = related_pair(1, n, p, q)
    folds = response_folds(method, n, 0)
    orders = orders_of_stimuli(method, folds, 4, seed=3)
    orders[0] = np.arange(n)
    fast = relabelled(method, x, folds)(y)(orders)
    once = np.ones((1, n))
    naive = [RESPONSE_METHODS[method][0](x, y[order], once, folds)[0] for order in orders]
    np.testing.assert_allclose(fast, naive, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_orders_are_of_the_seed_and_stay_in_the_folds_of_methods_that_have_some(method) -> None:
    folds = response_folds("procrustes", 30, 0)
    orders = orders_of_stimuli(method, folds, 40, seed=1)
    assert (np.sort(orders, axis=1) == np.arange(30)).all()
    assert (orders == orders_of_stimuli(method, folds, 40, seed=1)).all()
    assert len(np.unique(orders, axis=0)) == 40
    (test,) = (fold[1] for fold in folds[:1])
    stay = np.isin(orders[:, test], np.flatnonzero(test)).all()
    assert stay == (method != "cka")


def test_a_constant_unit_leaves_ridge_its_other_units() -> None:
    x, y = related_pair(2)
    y[:, 1] = 1.0
    folds = response_folds("encoding", len(x), 0)
    orders = orders_of_stimuli("encoding", folds, 3, 0)
    fast = relabelled("encoding", x, folds)(y)(orders)
    others = relabelled("encoding", x, folds)(np.delete(y, 1, axis=1))(orders)
    np.testing.assert_allclose(fast, others, atol=1e-10)


def test_a_method_that_is_added_is_relabelled_one_by_one(monkeypatch) -> None:
    x, y = related_pair(3)
    folds = response_folds("procrustes", len(x), 0)
    monkeypatch.setitem(RESPONSE_METHODS, "added", RESPONSE_METHODS["procrustes"])
    orders = orders_of_stimuli("added", folds, 3, 0)
    assert (orders == orders_of_stimuli("procrustes", folds, 3, 0)).all()
    added, own = (relabelled(name, x, folds)(y)(orders) for name in ("added", "procrustes"))
    np.testing.assert_allclose(added, own)
