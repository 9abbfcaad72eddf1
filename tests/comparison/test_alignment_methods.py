"""CKA, CCA and Procrustes against definitions and other libraries; what they do not see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rsatoolbox.rdm import RDMs, compare
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist
from sklearn.cross_decomposition import CCA

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    canonical_correlations,
    disparity,
    linear_cka,
    procrustes_distance,
    pwcca,
    shape_distance,
    svcca,
)
from spikelearn.comparison.cca import fit_cca
from spikelearn.comparison.cka import bootstrap_cka, hsic, kernel
from spikelearn.comparison.held_out_scores import cca_left_out, cca_scores
from spikelearn.comparison.intervals import stimulus_resamples
from spikelearn.comparison.procrustes import alignment, fit_rotation


def pair(seed=0, n=25, p=8, q=5) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, p))
    return x, x @ random.normal(size=(p, q)) + random.normal(size=(n, q))


def unbiased_hsic(k: np.ndarray, l: np.ndarray) -> float:  # noqa: E741
    """Song et al. 2012, equation 5, as it is printed."""
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))  # noqa: E741
    one = np.ones(n)
    first = np.trace(k @ l)
    second = one @ k @ one * (one @ l @ one) / ((n - 1) * (n - 2))
    third = 2 / (n - 2) * (one @ k @ l @ one)
    return float(first + second - third)


@pytest.mark.parametrize("seed", range(5))
def test_debiased_cka_is_the_ratio_of_unbiased_hsic(seed) -> None:
    x, y = pair(seed)
    k, l = x @ x.T, y @ y.T  # noqa: E741
    expected = unbiased_hsic(k, l) / np.sqrt(unbiased_hsic(k, k) * unbiased_hsic(l, l))
    assert linear_cka(x, y) == pytest.approx(expected, abs=1e-9)


def test_plain_cka_is_the_ratio_of_norms_and_rsatoolboxs_whitened_cosine() -> None:
    x, y = pair()
    a, b = x - x.mean(0), y - y.mean(0)
    expected = np.linalg.norm(a.T @ b) ** 2 / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    assert linear_cka(x, y, debiased=False) == pytest.approx(expected, abs=1e-9)
    rdms = [RDMs(pdist(v, "sqeuclidean")[None]) for v in (x, y)]
    assert expected == pytest.approx(compare(*rdms, method="cosine_cov").item(), abs=1e-9)


def test_unrelated_responses_have_a_debiased_cka_of_zero_and_a_plain_one_near_one() -> None:
    random = np.random.default_rng(0)
    pairs = [random.normal(size=(2, 20, 300)) for _ in range(60)]
    assert np.mean([linear_cka(x, y) for x, y in pairs]) == pytest.approx(0.0, abs=0.01)
    assert np.mean([linear_cka(x, y, debiased=False) for x, y in pairs]) > 0.9


def test_a_resample_fits_pairs_of_different_stimuli_by_least_squares() -> None:
    x, y = pair(n=9)
    k, l = kernel(x), kernel(y)  # noqa: E741
    counts = stimulus_resamples(9, 5, seed=0)
    for drawn, found in zip(counts, hsic(k, l, counts), strict=True):
        index = np.repeat(np.arange(9), drawn)
        i, j = np.triu_indices(index.size, k=1)
        different = index[i] != index[j]
        i, j = index[i][different], index[j][different]
        design = np.zeros((i.size, 9))
        rows = np.arange(i.size)
        design[rows, i] += 1
        design[rows, j] += 1
        left = [m[i, j] - design @ np.linalg.lstsq(design, m[i, j])[0] for m in (k, l)]
        assert found == pytest.approx(2 * left[0] @ left[1], abs=1e-8)


def test_a_response_that_does_not_vary_has_no_score() -> None:
    x, _ = pair()
    constant = np.ones((25, 3))
    assert np.isnan(linear_cka(x, constant))
    assert np.isnan(svcca(x, constant))
    assert np.isnan(alignment(x, constant))
    assert np.isnan(bootstrap_cka(kernel(x), kernel(constant), np.ones((1, 25)))[0])


def test_canonical_correlations_are_scikit_learns() -> None:
    x, y = pair(n=60, p=6, q=4)
    model = CCA(n_components=4, tol=1e-12, max_iter=20_000).fit(x, y)
    a, b = model.transform(x, y)
    expected = [np.corrcoef(a[:, k], b[:, k])[0, 1] for k in range(4)]
    np.testing.assert_allclose(canonical_correlations(x, y), expected, atol=1e-6)


def test_canonical_correlations_are_eigenvalues_of_the_textbook_matrix() -> None:
    x, y = pair(n=80)
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
    x, y = pair(n=80, p=6, q=5)
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
    x, y = pair(n=60, p=6, q=4)
    a, b = fit_cca(x, y, n_dimensions=6)(x, y)
    found = [np.corrcoef(a[:, k], b[:, k])[0, 1] for k in range(4)]
    np.testing.assert_allclose(found, canonical_correlations(x, y), atol=1e-9)


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


def test_the_jackknife_of_cca_fits_the_maps_without_what_is_left_out() -> None:
    random = np.random.default_rng(7)
    x, y = random.normal(size=(2, 30, 6))
    test = np.arange(30) % 5
    folds = [(test != k, test == k) for k in range(5)]
    scores, dimensions = cca_left_out(x, y, folds, seed=0)
    assert dimensions == pytest.approx(4.8 / 24)
    directly = []
    for i in range(30):
        kept = np.arange(30) != i
        directly.append(
            cca_scores(x[kept], y[kept], np.ones((1, 29)),
                       [(train[kept], held[kept]) for train, held in folds])[0]
        )  # fmt: skip
    np.testing.assert_allclose(np.sort(scores), np.sort(directly), atol=1e-9)


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
    x, y = pair(p=5, q=5)
    expected = np.arccos(canonical_correlations(x, y).mean())
    assert shape_distance(x, y, alpha=0.0) == pytest.approx(expected, abs=1e-7)
    with pytest.raises(SpikelearnError, match=r"\[0, 1\]"):
        alignment(x, y, alpha=2.0)


SCORES = {
    "cka": linear_cka,
    "plain cka": lambda x, y: linear_cka(x, y, debiased=False),
    "svcca": svcca,
    "procrustes": alignment,
}


@given(st.sampled_from(sorted(SCORES)), st.integers(0, 10_000), st.floats(0.1, 10))
@settings(max_examples=60, deadline=None)
def test_rotation_scale_offset_and_the_order_of_stimuli_change_nothing(name, seed, scale) -> None:
    x, y = pair(seed % 50)
    random = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(random.normal(size=(8, 8)))
    order = random.permutation(25)
    moved = (scale * x @ rotation + random.normal(size=8))[order]
    assert SCORES[name](moved, y[order]) == pytest.approx(SCORES[name](x, y), abs=1e-7)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_canonical_correlations_do_not_see_any_invertible_map(seed) -> None:
    x, y = pair(seed % 50)
    mixing = np.random.default_rng(seed).normal(size=(8, 8)) + 3 * np.eye(8)
    np.testing.assert_allclose(
        canonical_correlations(x @ mixing, y), canonical_correlations(x, y), atol=1e-7
    )


def test_the_rotation_of_training_stimuli_aligns_others() -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=(40, 5))
    rotation, _ = np.linalg.qr(random.normal(size=(5, 5)))
    product, xx, yy = fit_rotation(x[:30], 2 * x[:30] @ rotation)(x[30:], 2 * x[30:] @ rotation)
    assert product.sum() / np.sqrt(xx.sum() * yy.sum()) == pytest.approx(1.0)


def test_responses_to_different_stimuli_are_refused() -> None:
    x, y = pair()
    for score in (canonical_correlations, alignment):
        with pytest.raises(SpikelearnError, match="25 and 24 stimuli"):
            score(x, y[:24])
