"""CCA against scikit-learn and its textbook definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from response_examples import related_pair
from sklearn.cross_decomposition import CCA

from spikelearn.comparison import (
    canonical_correlations,
    pwcca,
    svcca,
)
from spikelearn.comparison.cca import fit_cca


def test_canonical_correlations_are_scikit_learns() -> None:
    x, y = related_pair(n=60, p=6, q=4)
    model = CCA(n_components=4, tol=1e-12, max_iter=20_000).fit(x, y)
    a, b = model.transform(x, y)
    expected = [np.corrcoef(a[:, k], b[:, k])[0, 1] for k in range(4)]
    np.testing.assert_allclose(canonical_correlations(x, y), expected, atol=1e-6)


def test_canonical_correlations_are_eigenvalues_of_the_textbook_matrix() -> None:
    x, y = related_pair(n=80)
    a, b = x - x.mean(0), y - y.mean(0)
    matrix = np.linalg.solve(a.T @ a, a.T @ b) @ np.linalg.solve(b.T @ b, b.T @ a)
    expected = np.sqrt(np.sort(np.linalg.eigvals(matrix).real)[::-1][:5])
    np.testing.assert_allclose(canonical_correlations(x, y), expected, atol=1e-8)


def test_svcca_is_cca_of_the_components_that_hold_the_variance() -> None:
    random = np.random.default_rng(0)
    signal = random.normal(size=(50, 2)) * 10
    x, y = (
        np.hstack([signal @ random.normal(size=(2, 2)), 0.01 * random.normal(size=(50, 10))])
        for _ in range(2)
    )
    assert svcca(x, y, variance=0.99) == pytest.approx(1.0, abs=1e-3)
    assert svcca(x, y, variance=1.0) < 0.9
    assert pwcca(x, y, variance=1.0) > svcca(x, y, variance=1.0)
    assert pwcca(x, x @ random.normal(size=(12, 12)), 1.0) == pytest.approx(1.0)


def test_more_units_than_stimuli_correlate_perfectly_in_sample_and_not_on_held_out_stimuli() -> (
    None
):
    random = np.random.default_rng(1)
    x, y = random.normal(size=(2, 40, 60))
    assert canonical_correlations(x, y).min() == pytest.approx(1.0)
    a, b = fit_cca(x[:30], y[:30])(x[30:], y[30:])
    held = [np.corrcoef(a[:, k], b[:, k])[0, 1] for k in range(a.shape[1])]
    assert abs(np.mean(held)) < 0.3


@pytest.mark.parametrize("k", [2.5, 5.0])
def test_directions_with_a_ridge_are_eigenvectors_of_the_textbook_matrix(k) -> None:
    """Vinod 1976: (Sxx + a)^-1 Sxy (Syy + b)^-1 Syx, where the ridge leaves k dimensions."""
    x, y = related_pair(n=80, p=6, q=5)
    x, y = x - x.mean(0), y - y.mean(0)
    ridges = []
    for v in (x, y):
        squares = np.linalg.svd(v, compute_uv=False) ** 2
        many = np.geomspace(1e-6, 1e6, 200_001) * squares.mean()
        left = (squares[:, None] / (squares[:, None] + many)).sum(0)
        ridges.append(many[np.argmin(np.abs(left - k))] if k < len(squares) else 0.0)
    inverses = [
        np.linalg.inv(v.T @ v + r * np.eye(v.shape[1])) for v, r in zip((x, y), ridges, strict=True)
    ]
    squared, vectors = np.linalg.eig(inverses[0] @ x.T @ y @ inverses[1] @ y.T @ x)
    order = np.argsort(-squared.real)[:3]
    a, b = fit_cca(x, y, k)(x, y)
    for column, which in enumerate(order):
        expected = x @ vectors[:, which].real
        cosine = expected @ a[:, column] / np.linalg.norm(expected) / np.linalg.norm(a[:, column])
        assert abs(cosine) == pytest.approx(1.0, abs=1e-6)
    # Products of variates: the training correlation, once for the weight and once for itself.
    np.testing.assert_allclose((a * b).sum(0)[:3], squared.real[order], rtol=1e-3)


def test_without_a_ridge_the_variates_are_those_of_cca() -> None:
    x, y = related_pair(n=60, p=6, q=4)
    a, b = fit_cca(x, y, n_dimensions=6)(x, y)
    correlations = [np.corrcoef(a[:, k], b[:, k])[0, 1] for k in range(4)]
    np.testing.assert_allclose(correlations, canonical_correlations(x, y), atol=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_canonical_correlations_do_not_see_any_invertible_map(seed) -> None:
    x, y = related_pair(seed % 50)
    mixing = np.random.default_rng(seed).normal(size=(8, 8)) + 3 * np.eye(8)
    np.testing.assert_allclose(
        canonical_correlations(x @ mixing, y), canonical_correlations(x, y), atol=1e-7
    )
