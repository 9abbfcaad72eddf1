"""Dissimilarities between the patterns of stimuli, in memory that a chunk of units bounds.

All of them are sums over units, so they are computed from matrix products over `CHUNK_UNITS` units
at a time: beside the responses, which may be of any number type, memory holds one chunk in double
precision and a few matrices of stimuli by stimuli.

correlation    1 - Pearson r between patterns
euclidean      root mean square difference over units
mahalanobis    mean squared difference over units whitened by the noise between repeats
crossnobis     the same, each difference of one set of repeats times that of another, averaged over
               pairs of repeats: its expectation is 0 where there is no difference, so that it can
               be negative (Walther et al. 2016, doi:10.1016/j.neuroimage.2015.12.012)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spikelearn._errors import SpikelearnError

CHUNK_UNITS = 2048  # units in double precision at a time: 16 MB for 1,000 stimuli

# Of the largest dissimilarity. Sums taken in another order differ by less; without rounding,
# dissimilarities that are equal on paper would be ranked by their rounding errors.
_DECIMALS = 12


def correlation_distances(patterns: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """1 - Pearson r, matrix of shape (n_stimuli, n_stimuli); NaN for patterns of one value.

    Parameters
    ----------
    patterns : array of shape (n_stimuli, n_units)
    chunk_units : int
        Units in double precision at a time.
    """
    means = _unit_sums(patterns, chunk_units)[:, None] / max(patterns.shape[1], 1)
    products = np.zeros((len(patterns), len(patterns)))
    for part in _chunks(patterns, chunk_units):
        centred = part - means
        products += centred @ centred.T
    # A pattern of one value differs from its mean by rounding only.
    constant = constant_patterns(patterns, chunk_units)
    norms = np.sqrt(np.diag(products))
    norms[constant] = np.nan
    distances: np.ndarray = 1.0 - products / norms[:, None] / norms
    return _rounded(distances)


def euclidean_distances(patterns: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """Root mean square differences over units, matrix of shape (n_stimuli, n_stimuli)."""
    products = np.zeros((len(patterns), len(patterns)))
    for part in _chunks(patterns, chunk_units):
        # Differences stay as they are; x^2 + y^2 - 2xy loses fewer digits.
        centred = part - part.mean(axis=0)
        products += centred @ centred.T
    return np.sqrt(np.maximum(_rounded(_squared(products)), 0.0) / patterns.shape[1])


def mahalanobis_distances(repeats: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """Mean squared differences of whitened patterns, averaged over repeats before.

    Parameters
    ----------
    repeats : array of shape (n_stimuli, n_repeats, n_units)
    chunk_units : int
        Units in double precision at a time.
    """
    whitened = _whitened(repeats)
    products = np.zeros((len(repeats), len(repeats)))
    for part in _chunks(whitened.mean(axis=1), chunk_units):
        centred = part - part.mean(axis=0)
        products += centred @ centred.T
    return _rounded(_squared(products)) / repeats.shape[2]


def crossnobis_distances(repeats: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """Cross-validated Mahalanobis distances, averaged over all pairs of different repeats."""
    n_stimuli, n_repeats, n_units = repeats.shape
    whitened = _whitened(repeats)
    total = np.zeros((n_stimuli, n_stimuli))
    for start in range(0, n_units, chunk_units):
        part = whitened[:, :, start : start + chunk_units]
        part = part - part.mean(axis=0)
        # All pairs of different repeats: the square of the sum less the sum of squares.
        summed = part.sum(axis=1)
        total += summed @ summed.T
        for k in range(n_repeats):
            total -= part[:, k] @ part[:, k].T
    return _rounded(_squared(total)) / (n_repeats * (n_repeats - 1) * n_units)


def noise_covariance(repeats: np.ndarray) -> np.ndarray:
    """Covariance of the units' noise between repeats, shrunk so that it can be inverted.

    The residuals of the repeats from their stimulus's mean, with the shrinkage towards a multiple
    of the identity of Ledoit & Wolf 2004 (doi:10.1016/S0047-259X(03)00096-4), by scikit-learn.

    Parameters
    ----------
    repeats : array of shape (n_stimuli, n_repeats, n_units)
        n_stimuli (n_repeats - 1) should be many times n_units: of fewer, the noise that the
        covariance is fitted to seems smaller than that of the means, and distances too large.

    Returns
    -------
    array of shape (n_units, n_units)

    Raises
    ------
    SpikelearnError
        If there are fewer than two repeats, or no noise between them.
    """
    from sklearn.covariance import ledoit_wolf

    _, n_repeats, n_units = repeats.shape
    if n_repeats < 2:
        raise SpikelearnError(
            f"distances in units of the noise need at least 2 repeats of each stimulus, found"
            f" {n_repeats}; use correlation or euclidean"
        )
    residuals = (repeats - repeats.mean(axis=1, keepdims=True)).reshape(-1, n_units)
    if np.abs(residuals).max(initial=0.0) <= 1e-12 * np.abs(repeats).max(initial=0.0):
        raise SpikelearnError(
            "the repeats of each stimulus are identical, so there is no noise to measure distances"
            " by; use correlation or euclidean"
        )
    covariance, _ = ledoit_wolf(residuals, assume_centered=True)
    # One degree of freedom of each stimulus went into its mean.
    unbiased: np.ndarray = covariance * (n_repeats / (n_repeats - 1))
    return unbiased


def constant_patterns(patterns: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """Which stimuli have one value in all units, bool array of shape (n_stimuli,)."""
    if patterns.shape[1] == 0:
        return np.ones(len(patterns), dtype=bool)
    constant = np.ones(len(patterns), dtype=bool)
    for start in range(0, patterns.shape[1], chunk_units):
        part = patterns[:, start : start + chunk_units]
        constant &= (part == patterns[:, :1]).all(axis=1)
    return constant


def _whitened(repeats: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(noise_covariance(repeats))
    whitened: np.ndarray = repeats @ (vectors / np.sqrt(values) @ vectors.T)
    return whitened


def _chunks(patterns: np.ndarray, chunk_units: int) -> Iterator[np.ndarray]:
    for start in range(0, patterns.shape[1], chunk_units):
        yield patterns[:, start : start + chunk_units].astype(np.float64)


def _unit_sums(patterns: np.ndarray, chunk_units: int) -> np.ndarray:
    sums = np.zeros(len(patterns))
    for part in _chunks(patterns, chunk_units):
        sums += part.sum(axis=1)
    return sums


def _squared(products: np.ndarray) -> np.ndarray:
    """Squared differences from inner products; exactly 0 on the diagonal."""
    diagonal = np.diag(products)
    squared: np.ndarray = diagonal[:, None] + diagonal - products - products.T
    return squared


def _rounded(distances: np.ndarray) -> np.ndarray:
    largest = np.nanmax(np.abs(distances), initial=0.0)
    if not np.isfinite(largest) or largest == 0:
        return distances
    rounded: np.ndarray = np.round(distances / largest, _DECIMALS) * largest
    return rounded
