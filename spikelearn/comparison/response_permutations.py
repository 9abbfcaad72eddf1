"""Scores of CKA, CCA, Procrustes and ridge where stimuli are relabelled, every map fitted anew.

CKA's stimuli are relabelled as those of RSA are. The other methods fit maps in folds, and their
stimuli are relabelled within each fold: of the group of all relabellings these are a subgroup, and
under the null hypothesis that model and recording are unrelated each is as likely as the others,
so that tests with them are as exact (Pesarin & Salmaso 2010, section 1.5). What a map takes of the
model alone or of the recording alone stays as it is then, and is computed once; scores are those
of fits made anew, to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from spikelearn._seeding import generator
from spikelearn.comparison.cca import effective_dimensions, whitening
from spikelearn.comparison.cka import kernel
from spikelearn.comparison.encoding import ALPHAS
from spikelearn.comparison.held_out_scores import (
    Fold,
    components_by_fold,
    mean_of_units,
    pooled_correlation,
    within_fold_correlations,
)
from spikelearn.comparison.procrustes import reduced
from spikelearn.comparison.response_methods import RESPONSE_METHODS

# Scores of relabelled stimuli, array of shape (n,), by orders of the stimuli, (n, n_stimuli).
Relabelled = Callable[[np.ndarray], np.ndarray]

_COLUMNS = 2048  # recorded units times orders at a time, for ridge


def orders_of_stimuli(method: str, folds: Sequence[Fold], n: int, seed: int) -> np.ndarray:
    """Orders of the recorded stimuli, int array of shape (n, n_stimuli).

    Parameters
    ----------
    method : str
        One of `RESPONSE_METHODS`; "cka" has no folds to stay in.
    folds : sequence of (train, test)
        Of `response_folds`.
    n : int
        How many.
    seed : int
        The same seed gives the same orders to every model and subject.
    """
    random = generator(seed, "permutation of stimuli")
    n_stimuli = len(folds[0][0])
    orders = np.tile(np.arange(n_stimuli), (n, 1))
    for members in [np.ones(n_stimuli, bool)] if method == "cka" else [test for _, test in folds]:
        orders[:, members] = random.permuted(orders[:, members], axis=1)
    return orders


def relabelled(
    method: str, x: np.ndarray, folds: Sequence[Fold]
) -> Callable[[np.ndarray], Relabelled]:
    """A model made ready: takes a recorded response, gives its scores by orders of its stimuli.

    Parameters
    ----------
    method : str
        One of `RESPONSE_METHODS`.
    x : array of shape (n_stimuli, n_units)
        The model's response.
    folds : sequence of (train, test)
    """
    known = {"cka": _cka, "cca": _cca, "procrustes": _procrustes, "encoding": _encoding}
    return known[method](x, folds) if method in known else _one_by_one(method, x, folds)


def _one_by_one(
    method: str, x: np.ndarray, folds: Sequence[Fold]
) -> Callable[[np.ndarray], Relabelled]:
    """Of any other method: its score of each order, computed anew."""
    scores_of = RESPONSE_METHODS[method][0]
    once = np.ones((1, len(x)), dtype=int)

    def against(y: np.ndarray) -> Relabelled:
        return lambda orders: np.array(
            [scores_of(x, y[order], once, list(folds))[0] for order in orders]
        )

    return against


def _cka(x: np.ndarray, _folds: Sequence[Fold]) -> Callable[[np.ndarray], Relabelled]:
    """Debiased CKA is the cosine of kernels that are centred over their off-diagonal entries."""
    first, second = np.triu_indices(len(x), k=1)
    ours = _centred(kernel(x))[first, second]

    def against(y: np.ndarray) -> Relabelled:
        theirs = _centred(kernel(y))
        norm = np.linalg.norm(ours) * np.linalg.norm(theirs[first, second])

        def scores(orders: np.ndarray) -> np.ndarray:
            if norm == 0:
                return np.full(len(orders), np.nan)
            return np.array([theirs[o[first], o[second]] @ ours for o in orders]) / norm

        return scores

    return against


def _centred(k: np.ndarray) -> np.ndarray:
    """The kernel less its least-squares fit of a_i + a_j over the pairs of two stimuli."""
    n = len(k)
    values = k.astype(np.float64)
    np.fill_diagonal(values, 0.0)
    rows = values.sum(axis=1)
    a = (rows - rows.sum() / (2 * (n - 1))) / (n - 2)
    return values - a[:, None] - a[None]


def _cca(x: np.ndarray, folds: Sequence[Fold]) -> Callable[[np.ndarray], Relabelled]:
    """Both sides are whitened once; the directions of each order are a decomposition."""

    def against(y: np.ndarray) -> Relabelled:
        sides = []
        for pair, (train, test) in zip(components_by_fold(x, y, folds), folds, strict=True):
            white = []
            for values in pair:
                mean, into = whitening(values[train], effective_dimensions(int(train.sum())))
                white.append((values - mean) @ into)
            sides.append((white[0], white[1], train, test))

        def scores(orders: np.ndarray) -> np.ndarray:
            return np.array([one(order) for order in orders])

        def one(order: np.ndarray) -> float:
            variates = []
            for a, b, train, test in sides:
                moved = b[order]
                left, strength, right = np.linalg.svd(
                    a[train].T @ moved[train], full_matrices=False
                )
                root = np.sqrt(strength)
                pair = a[test] @ left * root, moved[test] @ right.T * root
                variates.append((*pair, test))
            return float(pooled_correlation(variates, np.ones((1, len(order))))[0])

        return scores

    return against


def _procrustes(x: np.ndarray, folds: Sequence[Fold]) -> Callable[[np.ndarray], Relabelled]:
    """Both sides are centred and reduced to their rank once; each order has its rotation."""
    ours = [(reduced(x[train]), x[test]) for train, test in folds]

    def against(y: np.ndarray) -> Relabelled:
        sides = []
        squares = np.zeros(2)
        for ((mean_x, basis_x, part_x), new_x), (train, test) in zip(ours, folds, strict=True):
            mean_y, basis_y, _ = reduced(y[train])
            a, b = new_x - mean_x, y - mean_y
            squares += (a**2).sum(), (b[test] ** 2).sum()
            sides.append((part_x, a @ basis_x, b @ basis_y, train, test))
        norm = np.sqrt(squares.prod())

        def scores(orders: np.ndarray) -> np.ndarray:
            if norm == 0:
                return np.full(len(orders), np.nan)
            return np.array([one(order) for order in orders]) / norm

        def one(order: np.ndarray) -> float:
            total = 0.0
            for part_x, a, b, train, test in sides:
                moved = b[order]
                left, _, right = np.linalg.svd(part_x.T @ moved[train], full_matrices=False)
                total += float(((a @ left) * (moved[test] @ right.T)).sum())
            return total

        return scores

    return against


def _encoding(x: np.ndarray, folds: Sequence[Fold]) -> Callable[[np.ndarray], Relabelled]:
    """Ridge predictions are linear in the recorded responses, for each candidate of alpha."""
    operators = [_ridge_operators(x[train], x[test]) for train, test in folds]

    def against(y: np.ndarray) -> Relabelled:
        at_once = max(1, _COLUMNS // y.shape[1])

        def scores(orders: np.ndarray) -> np.ndarray:
            return np.concatenate(
                [some(orders[i : i + at_once]) for i in range(0, len(orders), at_once)]
            )

        def some(orders: np.ndarray) -> np.ndarray:
            # Columns are orders times units.
            moved = y[orders].transpose(1, 0, 2).reshape(len(y), -1)
            pairs = []
            for (errors, predict), (train, test) in zip(operators, folds, strict=True):
                mean = moved[train].mean(axis=0)
                pairs.append(
                    (_ridge(errors, predict, moved[train] - mean) + mean, moved[test], test)
                )
            by_unit = within_fold_correlations(pairs, np.ones((1, len(y))))
            return mean_of_units(by_unit.reshape(len(orders), -1))

        return scores

    return against


def _ridge_operators(
    x: np.ndarray, new: np.ndarray, n_folds: int = 4
) -> tuple[list[np.ndarray], np.ndarray]:
    """What `fit_ridge` makes of responses, as matrices.

    Parameters
    ----------
    x, new : arrays of shape (n_train, n_features), (n_test, n_features)
    n_folds : int
        Of the training stimuli, to choose alpha by.

    Returns
    -------
    errors : list of arrays of shape (n_alphas, n_validation, n_train)
        One for each fold: what is left of its stimuli when the others predict them.
    predict : array of shape (n_alphas, n_test, n_train)
    """
    from sklearn.model_selection import KFold

    mean = x.mean(axis=0)
    scale = np.sqrt(((x - mean) ** 2).mean() * x.shape[1])
    scale = scale if scale > 0 else 1.0
    a, b = (x - mean) / scale, (new - mean) / scale
    k = a @ a.T
    errors = []
    for fit, held in KFold(n_folds).split(a):
        left = np.zeros((len(ALPHAS), len(held), len(x)))
        left[:, np.arange(len(held)), held] = 1.0
        left[:, :, fit] -= _smoother(k[np.ix_(fit, fit)], k[np.ix_(held, fit)])
        errors.append(left)
    return errors, _smoother(k, b @ a.T)


def _smoother(k: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Predictions from responses, array of shape (n_alphas, n_new, n_fitted)."""
    values, vectors = np.linalg.eigh(k)
    shrunk = 1.0 / (values + np.array(ALPHAS)[:, None])
    return np.asarray((new @ vectors)[None] * shrunk[:, None] @ vectors.T)


def _ridge(errors: list[np.ndarray], predict: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Predictions of every column of y, shape (n_test, n_columns), by its own best alpha."""
    loss = np.zeros((len(ALPHAS), y.shape[1]))
    for left in errors:
        loss += np.square(left.reshape(-1, len(y)) @ y).reshape(*left.shape[:2], -1).mean(axis=1)
    predictions = predict @ y
    chosen: np.ndarray = np.take_along_axis(predictions, loss.argmin(axis=0)[None, None], axis=0)[0]
    return chosen
