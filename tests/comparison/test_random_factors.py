"""The variance of a mean over crossed factors, beside an analysis of variance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.intervals import p_by_t
from spikelearn.comparison.random_factors import FACTORS, crossed_mean

S, J, G = 4, 3, 12


def inferred(data: np.ndarray, random=FACTORS):
    """What is inferred of a mean of means over stimuli, whose variance is known to be theirs."""

    def over_stimuli(weights: np.ndarray) -> float:
        return float(np.tensordot(weights, data, axes=2).var(ddof=1) / data.shape[2])

    return crossed_mean(data.mean(axis=2), over_stimuli, data.shape[2], random, limit=100.0)


def drawn(seed: int, sizes: dict[str, float], whole: tuple[int, ...] = (S, J, G)) -> np.ndarray:
    """Crossed data, the sum of effects of each set of factors, array of shape (S, J, G)."""
    random = np.random.default_rng([3, seed])
    data = np.zeros(whole)
    for names, size in sizes.items():
        shape = [n if letter in names else 1 for n, letter in zip(whole, "sjg", strict=True)]
        data = data + size * random.normal(size=shape)
    return data


def mean_squares(data: np.ndarray) -> dict[str, float]:
    """Of an analysis of variance without replicates, by effects."""
    left = {"": np.full_like(data, data.mean())}
    squares = {}
    for names in ("s", "j", "g", "sj", "sg", "jg", "sjg"):
        axes = tuple(k for k, letter in enumerate("sjg") if letter not in names)
        effect = data.mean(axis=axes, keepdims=True) * np.ones_like(data)
        effect = effect - sum(v for k, v in left.items() if set(k) < set(names))
        left[names] = effect
        dof = np.prod([{"s": S, "j": J, "g": G}[letter] - 1 for letter in names])
        squares[names] = float((effect**2).sum() / dof)
    return squares


def test_the_variance_is_that_of_an_analysis_of_variance():
    # So much of every factor that no estimate is below what is allowed.
    data = drawn(0, {"s": 2.0, "j": 2.0, "g": 2.0, "sj": 0.5, "sg": 0.5, "jg": 0.5, "sjg": 0.5})
    ms = mean_squares(data)
    expected = ms["s"] + ms["j"] + ms["g"] - ms["sj"] - ms["sg"] - ms["jg"] + ms["sjg"]
    value = inferred(data)
    assert value.error**2 == pytest.approx(expected / data.size)
    spread = sum(
        (ms[names] / data.size) ** 2
        / np.prod([{"s": S, "j": J, "g": G}[letter] - 1 for letter in names])
        for names in ms
    )
    assert value.dof == pytest.approx(value.error**4 / spread)
    two = inferred(data, ("seeds", "stimuli"))
    assert two.error**2 == pytest.approx((ms["s"] + ms["g"] - ms["sg"]) / data.size)
    assert two.over == "seeds and stimuli"
    assert value.over == "seeds, subjects and stimuli"


def test_its_expectation_is_the_variance_of_the_mean():
    sizes = {"s": 0.5, "j": 0.3, "g": 1.0, "sg": 1.0, "jg": 0.8, "sjg": 1.0}
    true = sum(
        size**2 / np.prod([{"s": S, "j": J, "g": G}[letter] for letter in names])
        for names, size in sizes.items()
    )
    found = []
    for seed in range(300):
        ms = mean_squares(drawn(seed, sizes))
        found.append(ms["s"] + ms["j"] + ms["g"] - ms["sj"] - ms["sg"] - ms["jg"] + ms["sjg"])
    assert np.mean(found) / (S * J * G) == pytest.approx(true, rel=0.1)


def test_false_positives_are_as_many_as_meant_whatever_varies():
    for sizes in ({"s": 1.0, "sjg": 1.0}, {"sg": 1.0, "jg": 1.0, "sjg": 1.0}, {"j": 1.0, "g": 1.0}):
        p = [p_by_t(inferred(drawn(seed, sizes))) for seed in range(300)]
        assert 0.02 < np.mean(np.array(p) < 0.05) < 0.085, sizes


def test_with_as_many_seeds_and_subjects_as_studies_have_small_p_are_as_rare_as_they_should_be():
    # What seeds make of stimuli, with little of their own: they are underestimated behind these.
    sizes = {"s": 0.3, "sg": 1.0, "sjg": 1.0}
    p = np.array([p_by_t(inferred(drawn(seed, sizes, (5, 4, G)))) for seed in range(300)])
    assert 0.02 < np.mean(p < 0.05) < 0.085
    assert (p < 0.01).sum() <= 9  # 3 expected; more than 9 in 0.1 % of cases


def test_one_factor_alone_is_a_t_test():
    data = drawn(1, {"s": 1.0, "j": 1.0, "g": 1.0})
    assert p_by_t(inferred(data, ("seeds",))) == pytest.approx(
        ttest_1samp(data.mean(axis=(1, 2)), 0).pvalue
    )
    assert p_by_t(inferred(data, "subjects")) == pytest.approx(
        ttest_1samp(data.mean(axis=(0, 2)), 0).pvalue
    )
    assert p_by_t(inferred(data, ("stimuli",))) == pytest.approx(
        ttest_1samp(data.mean(axis=(0, 1)), 0).pvalue
    )


@pytest.mark.parametrize(("n", "share"), [(2, 0.5), (3, 0.5), (4, 0.3), (8, 0.3)])
def test_an_estimate_is_held_above_a_share_of_the_largest_single_one(n, share):
    # All of it is in the interaction, which is taken off.
    data = np.tile(np.eye(n)[:, :, None], G) + 0.01 * drawn(2, {"g": 1.0}, (n, n, G))
    singles = [inferred(data, (name,)) for name in FACTORS]
    largest = max(singles, key=lambda one: one.error)
    value = inferred(data)
    assert value.error**2 == pytest.approx(share * largest.error**2)
    assert n - 1 <= value.dof <= largest.dof  # some of the others' few count too


def test_a_factor_of_which_there_is_one_is_not_random_and_too_few_stimuli_are_no_interval():
    data = drawn(4, {"s": 1.0, "g": 1.0})
    assert inferred(data[:, :1]).over == "seeds and stimuli"
    assert inferred(data[:1, :1], ("seeds",)).has_no_interval
    assert crossed_mean(data.mean(axis=2), None, 0, FACTORS).has_no_interval
    with pytest.raises(SpikelearnError, match=r"no random factor 'seed'; .*seeds"):
        inferred(data, ("seed",))
    with pytest.raises(SpikelearnError, match="needs a random factor"):
        inferred(data, ())
