"""Tests by permutation err as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from simulated_recordings import rdm_of

from spikelearn.comparison.comparators import compare_vectors
from spikelearn.comparison.permutation import (
    EXCEEDING,
    p_by_permutation,
    p_by_sequence,
    permutation_scores,
    settled,
    smallest_p,
)


def false_positives_of_permutation(n_sets: int, n_instances: int = 1) -> float:
    """A model, of several instances that are alike, that has nothing to do with the subjects."""
    random = np.random.default_rng(0)
    rejected = []
    for repeat in range(n_sets):
        features = random.normal(size=(15, 6))
        models = [
            rdm_of(features + (n_instances > 1) * random.normal(size=(15, 6)))
            for _ in range(n_instances)
        ]
        common = random.normal(size=(15, 6))
        data = np.stack([rdm_of(common + random.normal(size=(15, 6))) for _ in range(3)])
        score = compare_vectors(np.stack(models), data, "spearman").mean()
        # The same seed relabels the stimuli of all instances together, as `zero_table` does.
        null = np.mean(
            [permutation_scores(m, data, 99, repeat, "spearman") for m in models], axis=0
        )
        rejected.append(p_by_permutation(score, null.mean(axis=0)) <= 0.05)
    return float(np.mean(rejected))


def test_permutations_are_wrong_as_often_as_they_say() -> None:
    assert false_positives_of_permutation(300) == pytest.approx(0.05, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("n_instances", [1, 3])
def test_permutations_are_wrong_in_5_percent(n_instances) -> None:
    rejected = false_positives_of_permutation(3000, n_instances)
    assert rejected == pytest.approx(0.05, abs=0.015)


def test_relabellings_end_where_p_is_plainly_not_small_and_p_is_valid() -> None:
    random = np.random.default_rng(3)
    found = []
    for _ in range(3000):
        score, *rest = random.normal(size=200)
        permuted = np.array(rest)
        p = p_by_sequence(score, permuted)
        if settled(score, permuted[:100]):  # what is computed behind the end changes nothing
            assert p == p_by_sequence(score, permuted[:100])
        found.append(p)
    for level in (0.01, 0.05, 0.1, 0.2, 0.5):
        rate = np.mean(np.array(found) <= level)
        assert rate == pytest.approx(level, abs=4 * np.sqrt(level / 3000))


def test_a_p_by_sequence_counts_to_the_last_relabelling_that_decides() -> None:
    less, more = np.zeros(70), np.full(30, 2.0)
    assert p_by_sequence(1.0, np.concatenate([less, more])) == EXCEEDING / (70 + EXCEEDING)
    assert p_by_sequence(1.0, np.concatenate([more, less])) == 1.0
    assert p_by_sequence(1.0, less) == pytest.approx(1 / 71)
    assert p_by_sequence(1.0, np.r_[less, 1.0 - 1e-14]) == pytest.approx(2 / 72)
    assert p_by_sequence(1.0, np.r_[less, np.nan]) == pytest.approx(2 / 72)
    assert np.isnan(p_by_sequence(np.nan, less))
    assert np.isnan(p_by_sequence(1.0, np.zeros(0)))


def test_a_test_that_cannot_be_significant_says_how_small_p_can_be() -> None:
    assert smallest_p(999, math.factorial(7), 7) == ""
    assert smallest_p(999, math.factorial(4), 4) == (
        "4 stimuli can be relabelled in 24 ways only: no p much below 0.042"
    )
    assert smallest_p(19, math.factorial(30), 30) == "of 19 relabellings: no p below 0.05"
    assert smallest_p(20, math.factorial(30), 30) == ""


def test_of_four_stimuli_the_best_score_has_the_p_that_is_said() -> None:
    model = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    permuted = permutation_scores(model, model[None], 2000, 0, "pearson")
    assert p_by_permutation(1.0, permuted[0]) == pytest.approx(1 / 24, rel=0.25)
