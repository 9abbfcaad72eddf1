"""Poisson numbers by their places: the distribution, and that nothing else decides them."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, chisquare, poisson

from spikelearn._seeding import counter_key
from spikelearn.simulation.grid import poisson as module
from spikelearn.simulation.grid.poisson import PoissonNumbers, boundaries, philox

KEY = counter_key(1, "background", 0, 0)
# On both sides of where another way to draw them begins, and of where numbers need more bits.
MEANS = [0.001, 0.03, 0.399, 0.401, 2.0, 17.3, 199.0, 1000.0, 70_000.0]


def drawn(mean: float, n_steps: int, size: int, key: np.ndarray = KEY) -> np.ndarray:
    """Numbers of all neurons of a population from step 0 on."""
    numbers = PoissonNumbers(mean, size)
    counts = np.empty((n_steps, size), numbers.dtype)
    numbers.draw(key, 0, 0, counts)
    return counts.astype(np.int64)


@pytest.mark.parametrize("place", [[0, 0, 0, 0], [7, 3, 1, 0], [2**64 - 1] * 4])
def test_random_words_are_numpys_philox(place: list[int]) -> None:
    key = np.array([0xA4093822299F31D0, 0x082EFA98EC4E6C89], np.uint64)
    # NumPy adds 1 to the counter before it uses it.
    before = (sum(word << (64 * k) for k, word in enumerate(place)) - 1) % 2**256
    reference = np.random.Philox(key=key, counter=before)
    words = philox(*np.array(place, np.uint64), *key)
    assert [int(word) for word in words] == reference.random_raw(4).tolist()


@pytest.mark.parametrize("mean", [1e-9, *MEANS[:-1], 59_999.0])
def test_boundaries_are_the_distribution_to_the_64th_bit(mean: float) -> None:
    least, above = boundaries(mean)
    numbers = least + np.arange(above.size)
    found = above / 2.0**64
    np.testing.assert_allclose(found, poisson.cdf(numbers, mean), rtol=1e-11, atol=2e-16)
    np.testing.assert_allclose((2.0**64 - above) / 2.0**64, poisson.sf(numbers, mean), atol=1e-13)
    # Beyond the table is less than a word tells.
    assert poisson.cdf(least - 1, mean) < 2.0**-63
    assert poisson.sf(least + above.size, mean) < 2.0**-63


def test_boundaries_of_a_short_table_are_right_to_the_last_bit() -> None:
    least, above = boundaries(0.5)
    term, below, terms = Fraction(1), Fraction(0), []
    for number in range(60):
        terms.append(term)
        term *= Fraction(1, 2 * (number + 1))
    total = sum(terms)
    for found, term in zip(above, terms, strict=False):
        below += term
        assert int(found) == int(below / total * 2**64)
    assert least == 0


@pytest.mark.parametrize("mean", MEANS)
def test_numbers_are_distributed_as_poissons(mean: float) -> None:
    n_steps, size = 1000, 300
    counts = drawn(mean, n_steps, size)
    n = counts.size
    edges = np.unique(poisson.ppf(np.linspace(0.002, 0.998, 40), mean))
    inner = np.concatenate([[-1], edges, [np.inf]])
    expected = n * np.diff(np.concatenate([[0.0], poisson.cdf(edges, mean), [1.0]]))
    found = np.array([((counts > a) & (counts <= b)).sum() for a, b in itertools.pairwise(inner)])
    keep = expected > 5
    assert (
        chisquare(found[keep], expected[keep] * found[keep].sum() / expected[keep].sum()).pvalue
        > 1e-4
    )
    assert counts.mean() == pytest.approx(mean, abs=5 * (mean / n) ** 0.5)
    assert counts.var() == pytest.approx(mean, abs=5 * ((2 * mean**2 + mean) / n) ** 0.5)


def is_poisson(sums: np.ndarray, mean: float) -> bool:
    """Whether sums vary about a mean as Poisson numbers do; those of dependent ones do not."""
    statistic = ((sums - mean) ** 2 / mean).sum()
    return bool(1e-4 < chi2.sf(statistic, sums.size) < 1 - 1e-4)


@pytest.mark.parametrize("mean", [0.02, 0.3, 2.0, 60.0])
@pytest.mark.parametrize("size", [5, 300])
def test_numbers_are_independent_of_those_beside_them(mean: float, size: int) -> None:
    n_steps = 60_000 // size
    counts = drawn(mean, n_steps, size)
    # Of neurons over steps, of steps over neurons, of short times, and of tiles.
    for together in (counts.sum(0), counts.sum(1), counts.reshape(-1, 20, size).sum((1, 2))):
        assert is_poisson(together, counts.size * mean / together.size)
    centred = (counts - mean) / mean**0.5
    others = {
        "next step": centred[1:] * centred[:-1],
        "16 steps on": centred[16:] * centred[:-16],
        "next neuron": centred[:, 1:] * centred[:, :-1],
        "next word": centred[:, 4:] * centred[:, :-4],
        "next group": centred[:, 16:] * centred[:, :-16],
        "another trial": centred * (drawn(mean, n_steps, size, counter_key(1, "x")) - mean),
    }
    for name, products in others.items():
        if products.size:
            assert abs(products.mean()) < 5 * products.std() / products.size**0.5, name


def test_keys_of_seeds_trials_and_inputs_give_other_numbers() -> None:
    names: list[tuple[Any, ...]] = [
        (0, "background", 0, 0), (0, "background", 0, 1), (0, "background", 1, 0),
        (1, "background", 0, 0), (2**32, "background", 0, 0),
    ]  # fmt: skip
    for mean in (0.3, 2.0):
        found = [drawn(mean, 500, 40, counter_key(*stream)) for stream in names]
        for one, other in itertools.combinations(found, 2):
            expected = float((poisson.pmf(np.arange(50), mean) ** 2).sum())
            same = (one == other).mean()
            assert same == pytest.approx(expected, abs=5 * (0.25 / one.size) ** 0.5)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0.0, 0.01, 0.3, 2.0, 300.0, 70_000.0]), st.integers(1, 600), st.data()
)  # fmt: skip
def test_any_part_of_them_is_the_same_by_itself(mean: float, size: int, data: Any) -> None:
    numbers, n_steps = PoissonNumbers(mean, size), 70
    whole = np.empty((n_steps, size), numbers.dtype)
    numbers.draw(KEY, 1000, 0, whole)
    low = data.draw(st.integers(0, size - 1))
    high = data.draw(st.integers(low + 1, size))
    first = data.draw(st.integers(0, n_steps - 1))
    end = data.draw(st.integers(first + 1, n_steps))
    wide = np.empty((end - first, high - low), np.int64)
    numbers.draw(KEY, 1000 + first, low, wide)
    np.testing.assert_array_equal(wide, whole[first:end, low:high])


def test_numbers_are_the_same_on_every_machine() -> None:
    # Drawn once; by whole numbers alone, so that there is nothing that a machine could round.
    assert drawn(0.3, 2, 8).tolist() == [[0, 1, 1, 1, 0, 1, 1, 0], [0, 0, 1, 0, 0, 0, 0, 1]]
    assert drawn(2.0, 2, 8).tolist() == [[2, 3, 3, 3, 2, 2, 0, 1], [0, 1, 2, 1, 1, 2, 5, 3]]
    assert drawn(1000.0, 1, 4).tolist() == [[1008, 1029, 1018, 1029]]


def test_numbers_whose_first_bits_lie_on_a_boundary_are_told_by_more() -> None:
    # By the definition: how many boundaries are not above a word of 64 bits.
    mean, size, n_steps = 300.0, 64, 60
    least, above = boundaries(mean)
    firsts = {int(boundary) >> 48 for boundary in above}
    counts, on_boundary = drawn(mean, n_steps, size), 0
    for step, group in itertools.product(range(n_steps), range(size // 16)):
        words = philox(*np.array([group, step, 0, 0], np.uint64), *KEY)
        for k in range(16):
            neuron, bits = 16 * group + k, int(words[k // 4]) >> (16 * (k % 4)) & 0xFFFF
            word = bits << 48
            if bits in firsts:
                on_boundary += 1
                more = philox(*np.array([neuron, step, 1, 0], np.uint64), *KEY)[0]
                word |= int(more) >> 16
            expected = least + np.searchsorted(above, np.uint64(word), side="right")
            assert counts[step, neuron] == expected
    assert on_boundary > 3


def test_a_mean_of_zero_gives_zeros() -> None:
    assert not drawn(0.0, 10, 10).any()


def test_means_of_all_sizes_have_room() -> None:
    assert PoissonNumbers(module._LARGEST, 1).dtype == np.uint16
    assert max(boundaries(module._LARGEST)[1].size, 1) < 2**15
    least, above = boundaries(module._LARGEST)
    assert least + above.size < 2**16
    assert PoissonNumbers(1.001 * module._LARGEST, 1).dtype == np.int64
