"""Canonical correlation analysis of responses, after a reduction to principal components.

Canonical correlations are the singular values of Qx' Qy, where Qx and Qy are orthonormal bases of
the centred responses (Björck & Golub 1973). With as many units as stimuli all of them are 1
whatever the responses, so

- SVCCA keeps the principal components that hold most of the variance (Raghu et al. 2017,
  arXiv:1706.05806) and averages the correlations;
- PWCCA weights them by how much of x each canonical direction accounts for (Morcos et al. 2018,
  arXiv:1806.05759);
- the comparison with a recording (`fit_cca`) finds the directions on some stimuli and correlates
  the held-out ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spikelearn._errors import SpikelearnError

_RANK = 1e-10  # singular values below this share of the largest are rounding


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
    """Mean canonical correlation of the principal components that hold `variance` of each.

    NaN where one of them does not vary.
    """
    reduced = [_principal(_centred(v), variance) for v in _same_stimuli(x, y)]
    correlations = canonical_correlations(*reduced)
    return float(correlations.mean()) if correlations.size else float("nan")


def pwcca(x: np.ndarray, y: np.ndarray, variance: float = 0.99) -> float:
    """Canonical correlations of the principal components, weighted by their part in x.

    Not symmetric: the weight of a canonical variate is the sum of the absolute inner products of
    the units of x with it.
    """
    centred = _centred(x)
    a, b = (_basis(_principal(_centred(v), variance)) for v in _same_stimuli(x, y))
    if not a.shape[1] or not b.shape[1]:
        return float("nan")
    left, correlations, _ = np.linalg.svd(a.T @ b, full_matrices=False)
    weights = np.abs((a @ left).T @ centred).sum(axis=1)
    return float((weights * np.clip(correlations, 0, 1)).sum() / weights.sum())


def fit_cca(
    x: np.ndarray, y: np.ndarray, n_components: int = 10
) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Canonical directions of training stimuli, as a function of other responses.

    Parameters
    ----------
    x, y : arrays of shape (n_stimuli, n_units_x), (n_stimuli, n_units_y)
    n_components : int
        Principal components of each before the analysis; at most a third of the stimuli.

    Returns
    -------
    callable
        Takes responses of shapes (n, n_units_x) and (n, n_units_y) to their canonical variates,
        both of shape (n, n_directions).
    """
    k = max(1, min(n_components, len(x) // 3))
    (mean_x, into_x, a), (mean_y, into_y, b) = (_whitened(v, k) for v in (x, y))
    left, _, right = np.linalg.svd(a.T @ b, full_matrices=False)

    def variates(new_x: np.ndarray, new_y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (new_x - mean_x) @ into_x @ left, (new_y - mean_y) @ into_y @ right.T

    return variates


def _whitened(v: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, map to whitened components (n_units, k), and the whitened responses (n, k)."""
    mean = v.mean(axis=0)
    u, s, vt = np.linalg.svd(v - mean, full_matrices=False)
    k = max(1, min(k, int((s > _RANK * s[:1]).sum())))
    scale = np.where(s[:k] > 0, s[:k], 1.0)
    return mean, vt[:k].T / scale, u[:, :k]


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
