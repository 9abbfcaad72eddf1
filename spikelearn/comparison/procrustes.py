"""Procrustes distances and shape metrics: how alike responses are after the best rotation.

With centred X and Y of unit norm, padded to the same number of units, the best rotation Q makes
<X Q, Y> = ||X' Y||_*, the sum of singular values. So (Schönemann 1966)

    disparity  1 - ||X' Y||_*^2          what SciPy's procrustes gives
    distance   sqrt(2 - 2 ||X' Y||_*)
    angle      arccos ||X' Y||_*         a metric on shapes (Williams et al. 2021, arXiv:2110.14739)

Williams et al. whiten in part first: X is replaced by X (alpha I + (1 - alpha) C^-1/2), C = X'X.
alpha = 1 leaves the rotation only; alpha = 0 allows any invertible linear map, and is CCA.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spikelearn._errors import SpikelearnError

_RANK = 1e-10


def alignment(x: np.ndarray, y: np.ndarray, alpha: float = 1.0) -> float:
    """Cosine of the angle between two shapes, from 0 to 1: ||X' Y||_*.

    Parameters
    ----------
    x, y : arrays of shape (n_stimuli, n_units_x), (n_stimuli, n_units_y)
    alpha : float in [0, 1]
        1: invariant to rotation, scale and offset; 0: to every invertible linear map as well.

    Returns
    -------
    float
        NaN where one of them does not vary over stimuli.

    Raises
    ------
    SpikelearnError
        If they have not the same stimuli, or alpha is no share.
    """
    if len(x) != len(y):
        raise SpikelearnError(
            f"responses to the same stimuli are needed, found {len(x)} and {len(y)} stimuli"
        )
    if not 0 <= alpha <= 1:
        raise SpikelearnError(f"alpha must lie in [0, 1], found {alpha:g}")
    a, b = (_shape(v, alpha) for v in (x, y))
    if not a.size or not b.size:
        return float("nan")
    return float(min(np.linalg.svd(a.T @ b, compute_uv=False).sum(), 1.0))


def disparity(x: np.ndarray, y: np.ndarray) -> float:
    """Squared difference after the best rotation and scale, from 0 to 1."""
    return 1.0 - alignment(x, y) ** 2


def procrustes_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Size of the difference between shapes of unit norm after the best rotation."""
    return float(np.sqrt(2.0 - 2.0 * alignment(x, y)))


def shape_distance(x: np.ndarray, y: np.ndarray, alpha: float = 1.0) -> float:
    """Angle between shapes in radians, a metric.

    Parameters
    ----------
    x, y, alpha
        As in `alignment`.
    """
    return float(np.arccos(alignment(x, y, alpha)))


def fit_rotation(
    x: np.ndarray, y: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The best rotation for training stimuli, as a function of other responses.

    Parameters
    ----------
    x, y : arrays of shape (n_stimuli, n_units_x), (n_stimuli, n_units_y)

    Returns
    -------
    callable
        Takes responses of shapes (n, n_units_x) and (n, n_units_y) to each stimulus's inner
        product of aligned responses and the squared norms of both, three arrays of shape (n,).
    """
    (mean_x, basis_x, part_x), (mean_y, basis_y, part_y) = (reduced(v) for v in (x, y))
    left, _, right = np.linalg.svd(part_x.T @ part_y, full_matrices=False)

    def products(new_x: np.ndarray, new_y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        a, b = new_x - mean_x, new_y - mean_y
        aligned = (a @ basis_x @ left) * (b @ basis_y @ right.T)
        return aligned.sum(axis=1), (a**2).sum(axis=1), (b**2).sum(axis=1)

    return products


def reduced(v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, orthonormal basis of the responses (n_units, rank), and the responses in it."""
    mean = v.mean(axis=0)
    u, s, vt = np.linalg.svd(v - mean, full_matrices=False)
    kept = s > _RANK * s.max(initial=0.0)
    return mean, vt[kept].T, u[:, kept] * s[kept]


def _shape(v: np.ndarray, alpha: float) -> np.ndarray:
    """Centred, partly whitened, of unit norm; in a basis of its own rank."""
    values = np.asarray(v, dtype=np.float64)
    u, s, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    kept = s > _RANK * max(s.max(initial=0.0), np.finfo(float).tiny)
    # In a basis of principal components the partial whitening is a change of their lengths.
    lengths = alpha * s[kept] + (1 - alpha)
    shape: np.ndarray = u[:, kept] * (lengths / max(np.linalg.norm(lengths), np.finfo(float).tiny))
    return shape
