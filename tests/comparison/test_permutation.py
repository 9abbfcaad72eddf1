"""Tests by permutation err as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_recordings import rdm_of

from spikelearn.comparison.comparators import compare_vectors
from spikelearn.comparison.permutation import p_by_permutation, permutation_scores


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
