"""CKA against its definition and rsatoolbox."""

from __future__ import annotations

import numpy as np
import pytest
from response_examples import related_pair
from rsatoolbox.rdm import RDMs, compare
from scipy.spatial.distance import pdist

from spikelearn.comparison import (
    linear_cka,
    svcca,
)
from spikelearn.comparison.cka import bootstrap_cka, hsic, kernel
from spikelearn.comparison.intervals import stimulus_resamples
from spikelearn.comparison.procrustes import alignment


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
    x, y = related_pair(seed)
    k, l = x @ x.T, y @ y.T  # noqa: E741
    expected = unbiased_hsic(k, l) / np.sqrt(unbiased_hsic(k, k) * unbiased_hsic(l, l))
    assert linear_cka(x, y) == pytest.approx(expected, abs=1e-9)


def test_plain_cka_is_the_ratio_of_norms_and_rsatoolboxs_whitened_cosine() -> None:
    x, y = related_pair()
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
    x, y = related_pair(n=9)
    k, l = kernel(x), kernel(y)  # noqa: E741
    counts = stimulus_resamples(9, 5, seed=0)
    for drawn, of_resample in zip(counts, hsic(k, l, counts), strict=True):
        index = np.repeat(np.arange(9), drawn)
        i, j = np.triu_indices(index.size, k=1)
        different = index[i] != index[j]
        i, j = index[i][different], index[j][different]
        design = np.zeros((i.size, 9))
        rows = np.arange(i.size)
        design[rows, i] += 1
        design[rows, j] += 1
        left = [m[i, j] - design @ np.linalg.lstsq(design, m[i, j])[0] for m in (k, l)]
        assert of_resample == pytest.approx(2 * left[0] @ left[1], abs=1e-8)


def test_a_response_that_does_not_vary_has_no_score() -> None:
    x, _ = related_pair()
    constant = np.ones((25, 3))
    assert np.isnan(linear_cka(x, constant))
    assert np.isnan(svcca(x, constant))
    assert np.isnan(alignment(x, constant))
    assert np.isnan(bootstrap_cka(kernel(x), kernel(constant), np.ones((1, 25)))[0])
