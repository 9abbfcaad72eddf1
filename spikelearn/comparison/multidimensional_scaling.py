"""Stimuli as points in a plane, as far apart as their responses differ, and how well that can be.

Metric scaling of percentile ranks of dissimilarities (SMACOF; Borg & Groenen 2005): ranks, since
matrices of brains and networks have no common scale. The stress is Kruskal's first, the square root
of the squared errors of distances over the squared distances: 0 where the plane holds everything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikelearn._seeding import generator

_STARTS = 3  # at random, beside that of classical scaling; the best of all is kept


@dataclass(frozen=True)
class Scaled:
    """Points of shape (n_stimuli, 2), NaN for stimuli left out, and the stress of the others."""

    points: np.ndarray
    stress: float

    @property
    def known(self) -> np.ndarray:
        """Which stimuli have a point."""
        return np.asarray(np.isfinite(self.points).all(axis=1))


def multidimensional_scaling(dissimilarities: np.ndarray, seed: int = 0) -> Scaled | None:
    """Points in a plane whose distances are as near to dissimilarities as can be.

    Parameters
    ----------
    dissimilarities : array of shape (n_stimuli, n_stimuli)
        Symmetric; NaN where undefined. As few stimuli are left out as leaves no gap.
    seed : int
        Of the random starts.

    Returns
    -------
    Scaled or None
        None where fewer than three stimuli are left, or none differs from another.
    """
    from sklearn import config_context
    from sklearn.manifold import smacof

    matrix = np.array(dissimilarities, dtype=float)
    np.fill_diagonal(matrix, 0.0)
    kept = np.arange(len(matrix))
    while len(kept) and np.isnan(part := matrix[np.ix_(kept, kept)]).any():
        kept = np.delete(kept, np.isnan(part).sum(axis=1).argmax())
    if len(kept) < 3 or not part.any():
        return None
    random = generator(seed, "scaling")
    starts = [_classical(part), *random.normal(size=(_STARTS, len(kept), 2))]
    found, stress = np.zeros((len(kept), 2)), np.inf
    # Every step would look through arrays that are known to be what they are to be.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        for start in starts:
            placed, _ = smacof(part, n_components=2, init=start, n_init=1, normalized_stress=False)
            if (its := _stress(placed, part)) < stress:
                found, stress = placed, its
    points = np.full((len(matrix), 2), np.nan)
    points[kept] = found
    return Scaled(points, stress)


def _classical(matrix: np.ndarray) -> np.ndarray:
    """Classical scaling, which is exact where a plane holds everything."""
    centring = np.eye(len(matrix)) - 1.0 / len(matrix)
    values, vectors = np.linalg.eigh(-0.5 * centring @ matrix**2 @ centring)
    return np.asarray(vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0.0)))


def _stress(points: np.ndarray, matrix: np.ndarray) -> float:
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    return float(np.sqrt(((distances - matrix) ** 2).sum() / (distances**2).sum()))


def aligned(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Points moved, turned, mirrored and scaled as one to come as near to others as they can.

    Orthogonal Procrustes: only the axes and the size of a plane are chosen, which mean nothing.

    Parameters
    ----------
    points, reference : array of shape (n_stimuli, 2)
        NaN for what has no point; what both have decides.
    """
    from scipy.linalg import orthogonal_procrustes

    both = np.isfinite(points).all(axis=1) & np.isfinite(reference).all(axis=1)
    if both.sum() < 2 or np.ptp(points[both], axis=0).max() == 0:
        return points
    own, other = points[both].mean(axis=0), reference[both].mean(axis=0)
    centred = points[both] - own
    turn, size = orthogonal_procrustes(centred, reference[both] - other)
    return np.asarray((points - own) @ turn * (size / (centred**2).sum()) + other)
