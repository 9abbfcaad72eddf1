"""Scores without some of the stimuli are those of maps fitted without them."""

from __future__ import annotations

import numpy as np
import pytest
from response_examples import related_pair
from sklearn.linear_model import Ridge

from spikelearn.comparison.encoding import ALPHAS, RidgeWithout, fit_ridge
from spikelearn.comparison.held_out_rsa import stimulus_folds
from spikelearn.comparison.held_out_scores import cca_scores, procrustes_scores
from spikelearn.comparison.left_out import excess, left_out_scores
from spikelearn.comparison.response_methods import RESPONSE_METHODS, cka_scores


def folds_of(n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return stimulus_folds(np.ones(n, dtype=bool), 5, 1, 0)[0]


def left_out(n: int, n_groups: int = 6) -> np.ndarray:
    return (np.arange(n) % n_groups != np.arange(n_groups)[:, None]).astype(int)


def without(method: str, *given) -> np.ndarray:
    return left_out_scores(method, RESPONSE_METHODS[method][0], *given)


def refitted(scores_of, x, y, folds, kept: np.ndarray) -> np.ndarray:
    """Each group is really taken away."""
    scores = []
    for there in kept > 0:
        of_these = [(train[there], test[there]) for train, test in folds]
        whole = np.ones((1, there.sum()))
        scores.append(scores_of(x[there], y[there], whole, of_these)[0])
    return np.array(scores)


@pytest.mark.parametrize("units", [(8, 5), (8, 90)])
def test_rotations_are_fitted_anew_without_each_group(units) -> None:
    x, y = related_pair(n=30, p=units[0], q=units[1])
    folds, kept = folds_of(30), left_out(30)
    expected = refitted(procrustes_scores, x, y, folds, kept)
    np.testing.assert_allclose(
        without("procrustes", x, y, folds, kept),
        expected,
    )


def test_cka_is_that_of_the_stimuli_that_are_left() -> None:
    x, y = related_pair(n=20)
    kept = left_out(20)
    expected = refitted(cka_scores, x, y, [], kept)
    np.testing.assert_allclose(without("cka", x, y, [], kept), expected)


def test_canonical_directions_are_fitted_anew_in_the_components_of_all_training_stimuli() -> None:
    x, y = related_pair(n=40, p=6, q=5)
    folds, kept = folds_of(40), left_out(40)
    expected = refitted(cca_scores, x, y, folds, kept)
    np.testing.assert_allclose(without("cca", x, y, folds, kept), expected, atol=1e-8)


def test_ridge_without_some_training_stimuli_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    x, new_x = random.normal(size=(2, 30, 12))
    y = x[:, :3] @ random.normal(size=(3, 4)) + random.normal(size=(30, 4))
    without = np.arange(30) % 5 == 2
    ridge = RidgeWithout(x, y, new_x)
    np.testing.assert_allclose(
        ridge.predicted(np.zeros(30, dtype=bool)), fit_ridge(x, y)(new_x), atol=1e-6
    )
    centred = x - x.mean(axis=0)
    scale = np.sqrt((centred**2).mean() * x.shape[1])
    predicted = ridge.predicted(without)
    for unit in range(4):
        every = [
            Ridge(alpha=alpha).fit(x[~without] / scale, y[~without, unit]).predict(new_x / scale)
            for alpha in ALPHAS
        ]
        assert min(np.abs(one - predicted[:, unit]).max() for one in every) < 1e-5


def test_encoding_without_a_group_is_near_the_score_of_all() -> None:
    x, y = related_pair(n=60, p=6, q=5)
    folds = folds_of(60)
    scores_of = RESPONSE_METHODS["encoding"][0]
    score = scores_of(x, y, np.ones((1, 60)), folds)[0]
    left = left_out_scores(
        "encoding", RESPONSE_METHODS["encoding"][0], x, y, folds, left_out(60, 12)
    )
    np.testing.assert_allclose(left.mean(), score, atol=0.02)
    refits = refitted(scores_of, x, y, folds, left_out(60, 12))
    assert np.corrcoef(left, refits)[0, 1] > 0.7
    # Nothing left out is the score itself.
    whole = left_out_scores(
        "encoding", RESPONSE_METHODS["encoding"][0], x, y, folds, np.ones((1, 60), dtype=int)
    )
    np.testing.assert_allclose(whole, score, atol=1e-6)


def test_a_method_without_a_faster_way_is_fitted_anew() -> None:
    x, y = related_pair(n=30)
    folds, kept = folds_of(30), left_out(30)
    np.testing.assert_allclose(
        left_out_scores("new", procrustes_scores, x, y, folds, kept),
        left_out_scores("procrustes", procrustes_scores, x, y, folds, kept),
    )
    assert excess("new", x, y, folds) == 1


def test_a_fold_whose_stimuli_are_all_left_out_says_nothing() -> None:
    x, y = related_pair(n=40, p=6, q=4)
    folds = folds_of(40)
    gone = (~folds[0][1]).astype(int)[None]
    rest = [(train & ~folds[0][1], test) for train, test in folds[1:]]
    for method in ("cca", "procrustes"):
        expected = RESPONSE_METHODS[method][0](x, y, np.ones((1, 40)), rest)
        np.testing.assert_allclose(without(method, x, y, folds, gone), expected, atol=0.02)
    assert np.isfinite(without("encoding", x, y, folds, gone)).all()


def test_a_unit_that_never_varies_takes_no_part() -> None:
    x, y = related_pair(n=40, p=6, q=4)
    dead = np.column_stack([y, np.zeros(40)])
    folds, kept = folds_of(40), left_out(40)
    for method in ("procrustes", "encoding"):
        np.testing.assert_allclose(
            without(method, x, dead, folds, kept),
            without(method, x, y, folds, kept),
            atol=1e-8,
        )


def test_the_jackknife_is_less_too_large_the_more_stimuli_there_are() -> None:
    for method in ("cka", "cca", "procrustes"):
        few, many = (excess(method, *related_pair(n=n), folds_of(n)) for n in (25, 200))
        assert few > many > 1
