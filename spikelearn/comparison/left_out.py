"""Scores on responses without some of the stimuli: the jackknife of the methods that fit a map.

A score of held-out stimuli varies with the stimuli that its maps were fitted to as much as with
those that it is of, and no estimate from one set of stimuli is unbiased (Bengio & Grandvalet 2004).
The jackknife that leaves stimuli out of both follows that. By its nature it is too large (Efron &
Stein 1981, doi:10.1214/aos/1176345462), and the more so the fewer stimuli there are; `excess` says
how much, by the variance of scores over simulated data sets: 20 to 150 stimuli, 3 to 60 units, 8 to
30 features, normal, heavy-tailed or in categories, stimuli with the same and with other numbers of
repeats, several levels of noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spikelearn.comparison.cca import effective_dimensions, fit_cca
from spikelearn.comparison.cka import bootstrap_cka, kernel
from spikelearn.comparison.encoding import RidgeWithout
from spikelearn.comparison.held_out_scores import (
    MOST_COMPONENTS,
    Fold,
    components_by_fold,
    correlation_of_sums,
    mean_of_units,
    pooled_correlation,
    within_fold_sums,
)
from spikelearn.comparison.procrustes import fit_rotation


def left_out_scores(
    method: str,
    scores_of: Callable[..., np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    folds: Sequence[Fold],
    left_out: np.ndarray,
) -> np.ndarray:
    """The score without each group of stimuli, shape (n_groups,).

    Parameters
    ----------
    method : str
        One of `response_methods.RESPONSE_METHODS`.
    scores_of : callable
        Its function there, by which methods without a faster way of their own are fitted anew.
    x, y : arrays of shape (n_stimuli, n_units_x), (n_stimuli, n_units_y)
        The model's responses, and the recorded ones.
    folds : sequence of (train, test)
    left_out : array of shape (n_groups, n_stimuli)
        1 for the stimuli that are there, 0 for those that are not.
    """
    kept = np.asarray(left_out) > 0
    if method == "cka":
        return bootstrap_cka(kernel(x), kernel(y), left_out)
    faster = {"cca": _cca, "procrustes": _procrustes, "encoding": _encoding}
    if method in faster:
        return faster[method](x, y, folds, kept)
    scores = []
    for there in kept:
        of_these = [(train[there], test[there]) for train, test in folds]
        whole = np.ones((1, int(there.sum())))
        scores.append(scores_of(x[there], y[there], whole, of_these)[0])
    return np.array(scores)


def excess(method: str, x: np.ndarray, y: np.ndarray, folds: Sequence[Fold]) -> float:
    """How many times too large the jackknife over stimuli is.

    Parameters
    ----------
    method, x, y, folds
        As in `left_out_scores`.
    """
    if method == "cca":
        dimensions = [
            min(effective_dimensions(int(train.sum())), v.shape[1], MOST_COMPONENTS) / train.sum()
            for train, _ in folds
            for v in (x, y)
        ]
        return 1 + 4 * float(np.mean(dimensions))
    known = {"cka": 1 + 6 / len(x), "procrustes": 1 + 18 / len(x), "encoding": 0.9}
    return known.get(method, 1.0)


def _cca(x: np.ndarray, y: np.ndarray, folds: Sequence[Fold], kept: np.ndarray) -> np.ndarray:
    by_fold = components_by_fold(x, y, folds)
    scores = np.zeros(len(kept))
    for g, there in enumerate(kept):
        variates = []
        for (a, b), (train, test) in zip(by_fold, folds, strict=True):
            fit, score = train & there, test & there
            if score.any():
                variates.append((*fit_cca(a[fit], b[fit])(a[score], b[score]), score))
        scores[g] = pooled_correlation(variates, np.ones((1, len(x))))[0]
    return scores


def _procrustes(
    x: np.ndarray, y: np.ndarray, folds: Sequence[Fold], kept: np.ndarray
) -> np.ndarray:
    a, b = (_coordinates(v) for v in (x, y))
    scores = np.full(len(kept), np.nan)
    for g, there in enumerate(kept):
        totals = np.zeros(3)
        for train, test in folds:
            fit, score = train & there, test & there
            totals += [v.sum() for v in fit_rotation(a[fit], b[fit])(a[score], b[score])]
        if totals[1] * totals[2] > 0:
            scores[g] = totals[0] / np.sqrt(totals[1] * totals[2])
    return scores


def _encoding(x: np.ndarray, y: np.ndarray, folds: Sequence[Fold], kept: np.ndarray) -> np.ndarray:
    """With the regularisation that all training stimuli choose; the allowance is for that."""
    sums = np.zeros((3, len(kept), y.shape[1]))
    scale = np.zeros((len(kept), 2, y.shape[1]))
    for train, test in folds:
        ridge = RidgeWithout(x[train], y[train], x[test])
        for g, there in enumerate(kept):
            score = test & there
            if not score.any():  # a fold that held one category alone
                continue
            predicted = ridge.predicted(~there[train])[there[test]]
            part, spread = within_fold_sums([(predicted, y[score], score)], np.ones((1, len(x))))
            sums[:, g] += part[:, 0]
            scale[g] += spread
    by_unit = [correlation_of_sums(sums[:, [g]], scale[g])[0] for g in range(len(kept))]
    return mean_of_units(np.array(by_unit))


def _coordinates(values: np.ndarray) -> np.ndarray:
    """The responses in an orthonormal basis of their own, where they have more units than that."""
    if values.shape[1] <= len(values):
        return values
    u, s, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    return np.asarray(u * s)
