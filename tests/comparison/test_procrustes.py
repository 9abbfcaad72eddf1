"""Procrustes distances against SciPy; what CKA, CCA and Procrustes do not see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from response_examples import related_pair
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    canonical_correlations,
    disparity,
    linear_cka,
    procrustes_distance,
    shape_distance,
    svcca,
)
from spikelearn.comparison.procrustes import alignment, fit_rotation

SCORES = {
    "cka": linear_cka,
    "plain cka": lambda x, y: linear_cka(x, y, debiased=False),
    "svcca": svcca,
    "procrustes": alignment,
}


def test_disparity_is_scipys() -> None:
    random = np.random.default_rng(2)
    x, y = random.normal(size=(2, 20, 6))
    assert disparity(x, y) == pytest.approx(procrustes(x, y)[2], abs=1e-9)
    padded = np.hstack([y[:, :4], np.zeros((20, 2))])
    assert disparity(x, y[:, :4]) == pytest.approx(procrustes(x, padded)[2], abs=1e-9)


def test_the_distance_is_that_after_the_best_rotation() -> None:
    random = np.random.default_rng(3)
    x, y = random.normal(size=(2, 12, 3))
    a, b = ((v - v.mean(0)) / np.linalg.norm(v - v.mean(0)) for v in (x, y))
    distances = []
    for _ in range(300):
        rotation, _ = np.linalg.qr(random.normal(size=(3, 3)))
        distances.append(np.linalg.norm(a @ rotation - b))
    assert procrustes_distance(x, y) <= min(distances)
    best, _ = orthogonal_procrustes(a, b)
    assert procrustes_distance(x, y) == pytest.approx(np.linalg.norm(a @ best - b), abs=1e-9)
    assert 2 * np.sin(shape_distance(x, y) / 2) == pytest.approx(procrustes_distance(x, y))


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.4, 1.0]))
@settings(max_examples=40, deadline=None)
def test_shape_distance_is_a_metric(seed, alpha) -> None:
    random = np.random.default_rng(seed)
    x, y, z = (random.normal(size=(12, random.integers(2, 6))) for _ in range(3))
    assert shape_distance(x, x, alpha) == pytest.approx(0.0, abs=1e-6)
    assert shape_distance(x, y, alpha) == pytest.approx(shape_distance(y, x, alpha))
    direct = shape_distance(x, z, alpha)
    assert direct <= shape_distance(x, y, alpha) + shape_distance(y, z, alpha) + 1e-9


def test_a_shape_whitened_altogether_is_compared_by_canonical_correlations() -> None:
    x, y = related_pair(p=5, q=5)
    expected = np.arccos(canonical_correlations(x, y).mean())
    assert shape_distance(x, y, alpha=0.0) == pytest.approx(expected, abs=1e-7)
    with pytest.raises(SpikelearnError, match=r"\[0, 1\]"):
        alignment(x, y, alpha=2.0)


@given(st.sampled_from(sorted(SCORES)), st.integers(0, 10_000), st.floats(0.1, 10))
@settings(max_examples=60, deadline=None)
def test_rotation_scale_offset_and_the_order_of_stimuli_change_nothing(name, seed, scale) -> None:
    x, y = related_pair(seed % 50)
    random = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.normal(size=(8, 8)))
    order = random.permutation(25)
    moved = (scale * x @ rotation + random.normal(size=8))[order]
    assert SCORES[name](moved, y[order]) == pytest.approx(SCORES[name](x, y), abs=1e-7)


def test_the_rotation_of_training_stimuli_aligns_others() -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=(40, 5))
    rotation, _ = np.linalg.qr(random.normal(size=(5, 5)))
    product, xx, yy = fit_rotation(x[:30], 2 * x[:30] @ rotation)(x[30:], 2 * x[30:] @ rotation)
    assert product.sum() / np.sqrt(xx.sum() * yy.sum()) == pytest.approx(1.0)


def test_responses_to_different_stimuli_are_refused() -> None:
    x, y = related_pair()
    for score in (canonical_correlations, alignment):
        with pytest.raises(SpikelearnError, match="25 and 24 stimuli"):
            score(x, y[:24])
