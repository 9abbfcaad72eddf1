"""Canonical correlation analysis of responses, after a reduction to principal components.

Canonical correlations are the singular values of Qx' Qy, where Qx and Qy are orthonormal bases of
the centred responses (Björck & Golub 1973). With as many units as stimuli all of them are 1
whatever the responses, so

- SVCCA keeps the principal components that hold most of the variance (Raghu et al. 2017,
  arXiv:1706.05806) and averages the correlations;
- PWCCA weights them by how much of x each canonical direction accounts for (Morcos et al. 2018,
  arXiv:1806.05759);
- the comparison with a recording (`fit_cca`) finds the directions on some stimuli, with a ridge,
  and correlates the held-out ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spikelearn._errors import SpikelearnError

_RANK = 1e-10  # singular values below this share of the largest are rounding
_RANK_OF_SQUARES = 1e-13  # the same of their squares, where only those are computed


def canonical_correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """All canonical correlations, descending, array of shape (min(rank x, rank y),).

    Parameters
    ----------
    x, y : arrays of shape (n_stimuli, n_units_x), (n_stimuli, n_units_y)

    Raises
    ------
    SpikelearnError
        If they have not the same number of stimuli.
    """
    qx, qy = (_basis(_centred(v)) for v in _same_stimuli(x, y))
    if not qx.shape[1] or not qy.shape[1]:
        return np.zeros(0)
    return np.clip(np.linalg.svd(qx.T @ qy, compute_uv=False), 0.0, 1.0)


def svcca(x: np.ndarray, y: np.ndarray, variance: float = 0.99) -> float:
    """Mean canonical correlation of the principal components that hold most of the variance.

    NaN where one of them does not vary.

    Parameters
    ----------
    x, y : arrays of shape (n_stimuli, n_units_x), (n_stimuli, n_units_y)
    variance : float
        Share of each response's variance that its components hold at least.
    """
    reduced = [_principal(_centred(v), variance) for v in _same_stimuli(x, y)]
    correlations = canonical_correlations(*reduced)
    return float(correlations.mean()) if correlations.size else float("nan")


def pwcca(x: np.ndarray, y: np.ndarray, variance: float = 0.99) -> float:
    """Canonical correlations of the principal components, weighted by their part in x.

    Not symmetric: the weight of a canonical variate is the sum of the absolute inner products of
    the units of x with it.

    Parameters
    ----------
    x, y, variance
        As in `svcca`.
    """
    centred = _centred(x)
    a, b = (_basis(_principal(_centred(v), variance)) for v in _same_stimuli(x, y))
    if not a.shape[1] or not b.shape[1]:
        return float("nan")
    left, correlations, _ = np.linalg.svd(a.T @ b, full_matrices=False)
    weights = np.abs((a @ left).T @ centred).sum(axis=1)
    return float((weights * np.clip(correlations, 0, 1)).sum() / weights.sum())


def fit_cca(
    x: np.ndarray, y: np.ndarray, n_dimensions: float | None = None
) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Canonical directions of training stimuli, as a function of other responses.

    Both are whitened with a ridge (Vinod 1976, doi:10.1016/0304-4076(76)90010-5), so that no
    direction is in or out by a hair, as it would be with a number of principal components. Variates
    are multiplied by the square root of the correlation that they had in training, so that in sums
    of products over directions those that carry nothing weigh little.

    Parameters
    ----------
    x, y : arrays of shape (n_stimuli, n_units_x), (n_stimuli, n_units_y)
    n_dimensions : float, optional
        Effective dimensions that the ridge leaves of each: the sum of s^2 / (s^2 + ridge) over its
        singular values s. By default `effective_dimensions` of the stimuli.

    Returns
    -------
    callable
        Takes responses of shapes (n, n_units_x) and (n, n_units_y) to their canonical variates,
        both of shape (n, n_directions).
    """
    k = effective_dimensions(len(x)) if n_dimensions is None else n_dimensions
    (mean_x, into_x), (mean_y, into_y) = whitening(x, k), whitening(y, k)
    left, correlations, right = np.linalg.svd(
        into_x.T @ ((x - mean_x).T @ (y - mean_y)) @ into_y, full_matrices=False
    )
    into_x = into_x @ left * np.sqrt(correlations)
    into_y = into_y @ right.T * np.sqrt(correlations)

    def variates(new_x: np.ndarray, new_y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (new_x - mean_x) @ into_x, (new_y - mean_y) @ into_y

    return variates


def effective_dimensions(n_stimuli: int) -> float:
    """Dimensions that training stimuli can tell of: 10, and at most one for every five stimuli."""
    return max(1.0, min(10.0, n_stimuli / 5))


def whitening(v: np.ndarray, k: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean of shape (n_units,), and map to whitened components, (n_units, n_components)."""
    mean = v.mean(axis=0)
    if v.shape[1] > 2 * len(v):
        _, s, vt = np.linalg.svd(v - mean, full_matrices=False)
        variances, axes = s[::-1] ** 2, vt[::-1].T
    else:
        variances, axes = np.linalg.eigh((v - mean).T @ (v - mean))
    kept = variances > _RANK_OF_SQUARES * variances[-1]
    if not kept.any():
        return mean, np.zeros((v.shape[1], 1))
    return mean, axes[:, kept] / np.sqrt(variances[kept] + _ridge(variances[kept], k))


def _ridge(variances: np.ndarray, k: float) -> float:
    """What is to be added to the variances, so that k effective dimensions are left."""
    from scipy.optimize import brentq

    if len(variances) <= k:
        return 0.0

    def excess(log_ridge: float) -> float:
        return float((variances / (variances + np.exp(log_ridge))).sum() - k)

    # With the upper bound every one of the n dimensions counts less than k / n.
    return float(np.exp(brentq(
        excess, np.log(variances.min()) - 40, np.log(variances.max() * len(variances) / k)
    )))  # fmt: skip


def _same_stimuli(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(x) != len(y):
        raise SpikelearnError(
            f"responses to the same stimuli are needed, found {len(x)} and {len(y)} stimuli"
        )
    return x, y


def _centred(v: np.ndarray) -> np.ndarray:
    values = np.asarray(v, dtype=np.float64)
    return values - values.mean(axis=0)


def _basis(centred: np.ndarray) -> np.ndarray:
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    basis: np.ndarray = u[:, s > _RANK * s.max(initial=0.0)] if s.any() else u[:, :0]
    return basis


def _principal(centred: np.ndarray, variance: float) -> np.ndarray:
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    if not s.any():
        return centred[:, :0]
    share = np.cumsum(s**2) / (s**2).sum()
    k = int(np.searchsorted(share, variance - 1e-12)) + 1
    components: np.ndarray = (u * s)[:, :k]
    return components
