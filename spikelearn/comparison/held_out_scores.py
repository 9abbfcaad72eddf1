"""Scores on held-out stimuli, and in resamples of them, of methods that fit a map.

The stimuli are divided into folds; a map is fitted to the others, and the held-out ones are scored
within their fold, so that differences between the folds' maps do not count. Resamples weight the
held-out stimuli and keep the maps; `left_out` fits them anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikelearn.comparison.cca import fit_cca
from spikelearn.comparison.encoding import fit_ridge
from spikelearn.comparison.procrustes import fit_rotation
from spikelearn.comparison.rdms import CHUNK_UNITS

MOST_COMPONENTS = 50  # of a response, for CCA: its ridge leaves 10 dimensions

Fold = tuple[np.ndarray, np.ndarray]  # training and test stimuli, bool arrays (n_stimuli,)


def encoding_scores(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, folds: Sequence[Fold]
) -> np.ndarray:
    """Mean over the recorded units of Pearson's r of ridge predictions, shape (n_resamples,).

    Parameters
    ----------
    x, y : arrays of shape (n_stimuli, n_units_x), (n_stimuli, n_units_y)
        The model's responses, and the recorded ones that are predicted.
    counts : array of shape (n_resamples, n_stimuli)
        How often each stimulus is in each resample.
    folds : sequence of (train, test)
        See `stimulus_folds`.
    """
    return mean_of_units(encoding_by_unit(x, y, counts, folds))


def encoding_by_unit(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, folds: Sequence[Fold]
) -> np.ndarray:
    """Pearson's r of ridge predictions, shape (n_resamples, n_units).

    Parameters
    ----------
    x, y, counts, folds
        As in `encoding_scores`.
    """
    pairs = []
    for train, test in folds:
        pairs.append((fit_ridge(x[train], y[train])(x[test]), y[test], test))
    return within_fold_correlations(pairs, counts)


def cca_scores(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, folds: Sequence[Fold]
) -> np.ndarray:
    """Correlation of held-out canonical variates, all directions together, shape (n_resamples,).

    Directions weigh as much as they correlated in training (see `fit_cca`).

    Parameters
    ----------
    x, y, counts, folds
        As in `encoding_scores`.
    """
    variates = []
    for (a, b), (train, test) in zip(components_by_fold(x, y, folds), folds, strict=True):
        variates.append((*fit_cca(a[train], b[train])(a[test], b[test]), test))
    return pooled_correlation(variates, counts)


def components_by_fold(
    x: np.ndarray, y: np.ndarray, folds: Sequence[Fold]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """All stimuli in the first principal components of every fold's training stimuli.

    Parameters
    ----------
    x, y, folds
        As in `encoding_scores`.
    """
    components = []
    for train, _ in folds:
        pair = []
        for v in (x, y):
            centred = v - v[train].mean(axis=0)
            _, s, vt = np.linalg.svd(centred[train], full_matrices=False)
            pair.append(centred @ vt[: max(1, min(MOST_COMPONENTS, int((s > 0).sum())))].T)
        components.append((pair[0], pair[1]))
    return components


def pooled_correlation(
    variates: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], counts: np.ndarray
) -> np.ndarray:
    """Correlation over stimuli and directions together, shape (n_resamples,).

    The means of each direction in each fold are removed.

    Parameters
    ----------
    variates : sequence of (a, b, test)
        Arrays of shape (n_test, n_directions) and the fold's stimuli, bool (n_stimuli,).
    counts : array of shape (n_resamples, n_stimuli)
    """
    k = min(a.shape[1] for a, _, _ in variates)
    sums, scale = within_fold_sums([(a[:, :k], b[:, :k], t) for a, b, t in variates], counts)
    return correlation_of_sums(sums.sum(axis=2), scale.sum(axis=1))


def procrustes_scores(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, folds: Sequence[Fold]
) -> np.ndarray:
    """Cosine of held-out responses after the training stimuli's rotation, (n_resamples,).

    Parameters
    ----------
    x, y, counts, folds
        As in `encoding_scores`.
    """
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
    correlations = np.full((len(counts), n_columns), np.nan)
    for start in range(0, n_columns, chunk_units):
        columns = slice(start, start + chunk_units)
        part = [(a[:, columns], b[:, columns], test) for a, b, test in pairs]
        correlations[:, columns] = correlation_of_sums(*within_fold_sums(part, counts))
    return correlations


def within_fold_sums(
    pairs: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of a b, a^2 and b^2 in every resample, and of a^2 and b^2 over all stimuli once.

    Means in each fold are removed.

    Parameters
    ----------
    pairs, counts
        As in `within_fold_correlations`.

    Returns
    -------
    sums : array of shape (3, n_resamples, n_columns)
    scale : array of shape (2, n_columns)
    """
    width = pairs[0][0].shape[1]
    sums = np.zeros((3, len(counts), width))
    scale = np.zeros((2, width))
    for a, b, test in pairs:
        weights = counts[:, test].astype(np.float64)
        total = weights.sum(axis=1, keepdims=True)
        centred = [v - v.mean(axis=0) for v in (a, b)]
        means = [
            np.divide(weights @ v, total, out=np.zeros((len(counts), width)), where=total > 0)
            for v in centred
        ]
        for k, (i, j) in enumerate(((0, 1), (0, 0), (1, 1))):
            sums[k] += weights @ (centred[i] * centred[j]) - total * means[i] * means[j]
        scale += [(v**2).sum(axis=0) for v in centred]
    return sums, scale


def correlation_of_sums(sums: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """a b / sqrt(a^2 b^2), NaN where one is no more than rounding leaves of the scale."""
    varies = (sums[1] > 1e-12 * scale[0]) & (sums[2] > 1e-12 * scale[1])
    norms = np.sqrt(np.where(varies, sums[1] * sums[2], 1.0))
    return np.where(varies, sums[0] / norms, np.nan)


def mean_of_units(by_unit: np.ndarray) -> np.ndarray:
    """Means over the units that have a value, shape (n_resamples,); NaN where none has."""
    defined = np.isfinite(by_unit)
    n = defined.sum(axis=1)
    total = np.where(defined, by_unit, 0.0).sum(axis=1)
    return np.divide(total, n, out=np.full(len(by_unit), np.nan), where=n > 0)
