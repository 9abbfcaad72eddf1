"""Points in a plane: what lies in a plane is found again, and stress is that of known optima."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from spikelearn.comparison.multidimensional_scaling import aligned, multidimensional_scaling

POINTS = np.random.default_rng(0).normal(size=(12, 2))


def test_points_of_a_plane_are_found_again():
    found = multidimensional_scaling(squareform(pdist(POINTS)))
    assert found.stress < 1e-6
    np.testing.assert_allclose(aligned(found.points, POINTS), POINTS, atol=1e-6)


def test_four_equidistant_stimuli_become_a_square():
    # Of 4 (1 - s)^2 + 2 (1 - sqrt(2) s)^2, the error of a square with side s, the least.
    side = (4 + 2 * np.sqrt(2)) / 8
    error = 4 * (1 - side) ** 2 + 2 * (1 - np.sqrt(2) * side) ** 2
    found = multidimensional_scaling(1 - np.eye(4))
    assert found.stress == pytest.approx(np.sqrt(error / (8 * side**2)), rel=1e-3)
    assert sorted(pdist(found.points))[0] == pytest.approx(side, rel=1e-2)


def test_stimuli_without_dissimilarities_are_left_out_and_no_others():
    matrix = squareform(pdist(POINTS))
    matrix[3] = matrix[:, 3] = np.nan
    matrix[5, 7] = matrix[7, 5] = np.nan
    found = multidimensional_scaling(matrix)
    assert not found.known[3]
    assert found.known.sum() == 10
    back = aligned(found.points, POINTS)
    np.testing.assert_allclose(back[found.known], POINTS[found.known], atol=1e-6)


@pytest.mark.parametrize(
    "matrix", [np.zeros((5, 5)), np.full((4, 4), np.nan), np.ones((2, 2)), np.empty((0, 0))]
)
def test_what_has_no_picture_has_none(matrix):
    assert multidimensional_scaling(matrix) is None


def test_the_same_seed_gives_the_same_points():
    matrix = np.random.default_rng(1).random((9, 9))
    matrix += matrix.T
    first, second = (multidimensional_scaling(matrix, seed=4).points for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_plane_is_turned_mirrored_and_scaled_but_not_bent():
    angle = 0.7
    turn = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
    moved = 3.0 * POINTS @ turn + [5.0, -1.0]
    np.testing.assert_allclose(aligned(moved, POINTS), POINTS, atol=1e-12)
    bent = moved**2
    distances = pdist(aligned(bent, POINTS)) / pdist(bent)
    np.testing.assert_allclose(distances, distances[0])
    same = np.zeros((4, 2))
    np.testing.assert_array_equal(aligned(same, POINTS[:4]), same)
