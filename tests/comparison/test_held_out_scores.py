"""Scores on held-out stimuli: what their maps see, and what resamples leave out."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn.comparison.cca import fit_cca
from spikelearn.comparison.held_out_scores import cca_scores, within_fold_correlations


def test_held_out_cca_sees_no_rotation_and_less_of_directions_that_carry_nothing() -> None:
    random = np.random.default_rng(6)
    shared = random.normal(size=(60, 3))
    x = np.hstack([3 * shared, random.normal(size=(60, 2))])
    y = np.hstack([shared @ random.normal(size=(3, 3)), 0.3 * random.normal(size=(60, 9))])
    rotation, _ = np.linalg.qr(random.normal(size=(5, 5)))
    test = np.arange(60) % 5
    folds = [(test != k, test == k) for k in range(5)]
    once = np.ones((1, 60))
    score = cca_scores(x, y, once, folds)[0]
    assert cca_scores(7 * x @ rotation + 1, y, once, folds)[0] == pytest.approx(score, abs=1e-9)
    unweighted = []
    for train, held in folds:
        a, b = fit_cca(x[train], y[train])(x[held], y[held])
        unweighted += [np.corrcoef(a[:, k], b[:, k])[0, 1] for k in range(5)]
    assert score > np.mean(unweighted) + 0.1
    nothing = [cca_scores(random.normal(size=(60, 40)), y, once, folds)[0] for _ in range(40)]
    assert abs(np.mean(nothing)) < 0.06


def test_correlations_within_folds_leave_out_differences_between_them() -> None:
    random = np.random.default_rng(1)
    folds = [np.arange(20) < 10, np.arange(20) >= 10]
    pairs = [(random.normal(size=(10, 2)), random.normal(size=(10, 2)), test) for test in folds]
    shifted = [(a + 100 * i, b - 50 * i, test) for i, (a, b, test) in enumerate(pairs)]
    counts = random.integers(0, 3, (6, 20))
    within_folds = within_fold_correlations(pairs, counts)
    np.testing.assert_allclose(within_folds, within_fold_correlations(shifted, counts), atol=1e-6)
    np.testing.assert_allclose(within_folds, within_fold_correlations(pairs, counts, chunk_units=1))
    once = within_fold_correlations(pairs[:1], counts * folds[0])[2, 0]
    index = np.repeat(np.arange(10), counts[2, :10])
    assert once == pytest.approx(np.corrcoef(pairs[0][0][index, 0], pairs[0][1][index, 0])[0, 1])
