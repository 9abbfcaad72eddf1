"""Scores on held-out stimuli, and in resamples of them, of methods that fit a map.

The stimuli are divided into folds; a map is fitted to the others, and the held-out ones are scored
within their fold, so that differences between the folds' maps do not count. Resamples weight the
held-out stimuli and keep the maps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikelearn.comparison._dissimilarities import CHUNK_UNITS
from spikelearn.comparison.cca import fit_cca
from spikelearn.comparison.encoding import fit_ridge
from spikelearn.comparison.procrustes import fit_rotation

Fold = tuple[np.ndarray, np.ndarray]  # training and test stimuli, bool arrays (n_stimuli,)


def encoding_scores(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, folds: Sequence[Fold]
) -> np.ndarray:
    """Mean over the recorded units of Pearson's r of ridge predictions, shape (n_resamples,)."""
    return mean_of_units(encoding_by_unit(x, y, counts, folds))


def encoding_by_unit(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, folds: Sequence[Fold]
) -> np.ndarray:
    """Pearson's r of ridge predictions, shape (n_resamples, n_units)."""
    pairs = []
    for train, test in folds:
        pairs.append((fit_ridge(x[train], y[train])(x[test]), y[test], test))
    return within_fold_correlations(pairs, counts)


def cca_scores(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, folds: Sequence[Fold]
) -> np.ndarray:
    """Mean correlation of held-out canonical variates, shape (n_resamples,)."""
    pairs = []
    for train, test in folds:
        a, b = fit_cca(x[train], y[train])(x[test], y[test])
        pairs.append((a, b, test))
    k = min(a.shape[1] for a, _, _ in pairs)
    return mean_of_units(
        within_fold_correlations([(a[:, :k], b[:, :k], test) for a, b, test in pairs], counts)
    )


def procrustes_scores(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, folds: Sequence[Fold]
) -> np.ndarray:
    """Cosine of held-out responses after the training stimuli's rotation, (n_resamples,)."""
    totals = np.zeros((3, len(counts)))
    for train, test in folds:
        weights = counts[:, test].astype(np.float64)
        products = fit_rotation(x[train], y[train])(x[test], y[test])
        totals += np.stack([weights @ values for values in products])
    product = totals[1] * totals[2]
    return np.divide(
        totals[0], np.sqrt(product), out=np.full(len(counts), np.nan), where=product > 0
    )


def within_fold_correlations(
    pairs: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    counts: np.ndarray,
    chunk_units: int = CHUNK_UNITS,
) -> np.ndarray:
    """Correlation of every column of a with that of b, with their means in each fold removed.

    Parameters
    ----------
    pairs : sequence of (a, b, test)
        Arrays of shape (n_test, n_columns) and the fold's stimuli, bool (n_stimuli,).
    counts : array of shape (n_resamples, n_stimuli)
    chunk_units : int
        Columns at a time.

    Returns
    -------
    array of shape (n_resamples, n_columns)
        NaN where one of them does not vary.
    """
    n_columns = pairs[0][0].shape[1]
    found = np.full((len(counts), n_columns), np.nan)
    for start in range(0, n_columns, chunk_units):
        columns = slice(start, start + chunk_units)
        width = len(range(*columns.indices(n_columns)))
        sums = np.zeros((3, len(counts), width))
        scale = np.zeros((2, width))
        for a, b, test in pairs:
            weights = counts[:, test].astype(np.float64)
            total = weights.sum(axis=1, keepdims=True)
            centred = [v[:, columns] - v[:, columns].mean(axis=0) for v in (a, b)]
            means = [
                np.divide(weights @ v, total, out=np.zeros((len(counts), width)), where=total > 0)
                for v in centred
            ]
            for k, (i, j) in enumerate(((0, 1), (0, 0), (1, 1))):
                sums[k] += weights @ (centred[i] * centred[j]) - total * means[i] * means[j]
            scale += [(v**2).sum(axis=0) for v in centred]
        # What rounding leaves of a column that does not vary is no variance.
        varies = (sums[1] > 1e-12 * scale[0]) & (sums[2] > 1e-12 * scale[1])
        norms = np.sqrt(np.where(varies, sums[1] * sums[2], 1.0))
        found[:, columns] = np.where(varies, sums[0] / norms, np.nan)
    return found


def mean_of_units(by_unit: np.ndarray) -> np.ndarray:
    """Means over the units that have a value, shape (n_resamples,); NaN where none has."""
    defined = np.isfinite(by_unit)
    n = defined.sum(axis=1)
    total = np.where(defined, by_unit, 0.0).sum(axis=1)
    return np.divide(total, n, out=np.full(len(by_unit), np.nan), where=n > 0)
