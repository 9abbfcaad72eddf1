"""Centred kernel alignment (CKA) of responses, with linear kernels and without bias.

With K = X X', L = Y Y' (Kornblith et al. 2019, arXiv:1905.00414)

    CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)).

Of few stimuli and many units the plain estimate is near 1 whatever the responses. Unbiased
estimates of HSIC leave out each stimulus's product with itself (Song et al. 2012; Nguyen, Raghu &
Kornblith 2021, arXiv:2010.15327; Murphy, Zylberberg & Fyshe 2024, arXiv:2405.01012): K and L are
centred over their off-diagonal entries only, which is to subtract the least-squares fit of
k_ij = a_i + a_j. With stimulus i drawn c_i times in a resample the fit is weighted by c_i c_j,

    a_i = (r_i - S) / (C - 2 c_i),   r = K c,   C = sum of c,
    S = (sum of c_i r_i / (C - 2 c_i)) / (1 + sum of c_i / (C - 2 c_i)),

and HSIC(K, L) = c' (K * L) c - 2 sum of c_i a_i (L c)_i up to a factor that cancels, with zeros on
the diagonals: pairs of a stimulus with itself are left out of resamples as they are of the score.
"""

from __future__ import annotations

import numpy as np

from spikelearn.comparison.rdms import CHUNK_UNITS


def linear_cka(x: np.ndarray, y: np.ndarray, debiased: bool = True) -> float:
    """CKA of two responses to the same stimuli.

    Parameters
    ----------
    x, y : arrays of shape (n_stimuli, n_units_x), (n_stimuli, n_units_y)
    debiased : bool
        Whether products of a stimulus with itself are left out; 0 is then what unrelated responses
        score on average, and scores can be negative.

    Returns
    -------
    float
        NaN where one of them does not vary over stimuli, or (debiased) its estimated variance is
        not positive.
    """
    k, l = kernel(x), kernel(y)  # noqa: E741 - the paper's letters
    if debiased:
        return float(bootstrap_cka(k, l, np.ones((1, len(k))))[0])
    norms = np.sqrt((k * k).sum() * (l * l).sum())
    return float((k * l).sum() / norms) if norms > 0 else float("nan")


def kernel(x: np.ndarray, chunk_units: int = CHUNK_UNITS) -> np.ndarray:
    """X X' of units centred over stimuli, array of shape (n_stimuli, n_stimuli)."""
    products = np.zeros((len(x), len(x)))
    for start in range(0, x.shape[1], chunk_units):
        part = x[:, start : start + chunk_units].astype(np.float64)
        part -= part.mean(axis=0)
        products += part @ part.T
    return products


def bootstrap_cka(k: np.ndarray, l: np.ndarray, counts: np.ndarray) -> np.ndarray:  # noqa: E741
    """Debiased CKA in every resample, array of shape (n_bootstrap,).

    Parameters
    ----------
    k, l : arrays of shape (n_stimuli, n_stimuli)
        Kernels; their diagonals are not used.
    counts : array of shape (n_bootstrap, n_stimuli)
        How often each stimulus is in each resample.
    """
    counts = np.asarray(counts, dtype=np.float64)
    cross = hsic(k, l, counts)
    product = hsic(k, k, counts) * hsic(l, l, counts)
    scale = np.nanmax(np.abs(product), initial=0.0)
    scores = np.full(len(counts), np.nan)
    defined = (product > 1e-24 * scale) & (hsic(k, k, counts) > 0)
    scores[defined] = cross[defined] / np.sqrt(product[defined])
    return scores


def hsic(k: np.ndarray, l: np.ndarray, counts: np.ndarray) -> np.ndarray:  # noqa: E741
    """Debiased HSIC in every resample, up to a factor, array of shape (n_bootstrap,).

    Parameters
    ----------
    k, l, counts
        As in `bootstrap_cka`.
    """
    k, l = (_without_diagonal(m) for m in (k, l))  # noqa: E741
    sums_k, sums_l = counts @ k, counts @ l
    rest = counts.sum(axis=1, keepdims=True) - 2 * counts
    # With more than half the draws one stimulus, the fit has no solution.
    usable = (rest > 0).all(axis=1)
    rest[~usable] = 1.0
    share = counts / rest
    total = (share * sums_k).sum(axis=1) / (1 + share.sum(axis=1))
    a = (sums_k - total[:, None]) / rest
    values = ((counts @ (k * l)) * counts).sum(axis=1) - 2 * (counts * a * sums_l).sum(axis=1)
    values[~usable] = np.nan
    return np.asarray(values)


def _without_diagonal(matrix: np.ndarray) -> np.ndarray:
    copy = matrix.astype(np.float64)
    np.fill_diagonal(copy, 0.0)
    return copy
