"""The sampler of background input against the distribution it stands for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import chisquare, poisson

from spikelearn.simulation.grid.poisson import PoissonSampler


@pytest.mark.parametrize("mean", [0.003, 0.2, 2.0, 17.3, 199.0, 1000.0])
def test_numbers_are_distributed_as_poissons(mean: float) -> None:
    n = 400_000
    drawn = PoissonSampler(mean).draw((n // 100, 100), np.random.default_rng(1))
    assert drawn.shape == (n // 100, 100)
    assert drawn.dtype == np.int64
    edges = np.unique(poisson.ppf(np.linspace(0.002, 0.998, 40), mean))
    inner = np.concatenate([[-1], edges, [np.inf]])
    expected = n * np.diff(np.concatenate([[0.0], poisson.cdf(edges, mean), [1.0]]))
    found = np.array([((drawn > a) & (drawn <= b)).sum() for a, b in itertools.pairwise(inner)])
    keep = expected > 5
    assert (
        chisquare(found[keep], expected[keep] * found[keep].sum() / expected[keep].sum()).pvalue
        > 1e-4
    )
    assert drawn.mean() == pytest.approx(mean, abs=5 * (mean / n) ** 0.5)


def test_a_mean_of_zero_gives_zeros() -> None:
    assert not PoissonSampler(0.0).draw((10, 10), np.random.default_rng(0)).any()


def test_the_smallest_and_the_largest_uniform_number_find_a_place() -> None:
    class Edges:
        def random(self, shape: tuple[int, ...]) -> np.ndarray:
            return np.resize([0.0, np.nextafter(1.0, 0.0)], shape)

    low, high = PoissonSampler(2.0).draw((2,), Edges())  # type: ignore[arg-type]
    assert low == 0
    assert high == poisson.ppf(1.0 - 2.0**-53, 2.0)
