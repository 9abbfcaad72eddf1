"""Intervals cover the truth as often as they say; tests are wrong as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_recordings import World, inferred, rdm_of

from spikelearn.comparison.cka import bootstrap_cka, kernel
from spikelearn.comparison.comparators import compare_vectors
from spikelearn.comparison.intervals import p_by_t, sampled, stimulus_resamples


def rates(world: World, n_stimuli: int, over: str, n_sets: int) -> tuple[float, float]:
    """How often the interval covers the truth, and how often a difference is falsely found."""
    truth = world.truth()
    covered, rejected = [], []
    for repeat in range(n_sets):
        score, difference = inferred(*world.draw(n_stimuli), over, repeat)
        covered.append(score.low <= truth <= score.high)
        rejected.append(p_by_t(difference) < 0.05)
    return float(np.mean(covered)), float(np.mean(rejected))


def false_positives_over_subjects(n_sets: int, two_models: bool) -> float:
    """Fixed stimuli; for new subjects the model is worth nothing, or two models are worth the same.

    The second model is the first with pairs of stimuli exchanged, and subjects are mixtures of the
    two with noise of pairs, so that exchanging the pairs again exchanges the models.
    """
    random = np.random.default_rng(1)
    first = rdm_of(random.normal(size=(20, 6)))
    order = random.permutation(first.size)
    second = first.copy()
    second[order[:95]], second[order[95:]] = first[order[95:]], first[order[:95]]
    rejected = []
    for repeat in range(n_sets):
        data = random.normal(size=(6, first.size))
        if two_models:
            share = random.beta(2, 2, size=(6, 1))
            data = 0.5 * data + share * first + (1 - share) * second
        scores = compare_vectors(np.stack([first, second]), data, "spearman")
        values = scores[0] - scores[1] if two_models else scores[0]
        value = sampled(values, np.zeros((6, 0)), 20, "subjects", repeat)
        rejected.append(p_by_t(value, two_sided=two_models) < 0.05)
    return float(np.mean(rejected))


def test_intervals_and_differences_over_stimuli_hold_what_they_say() -> None:
    covered, rejected = rates(World(0, 1.0, 2), 30, "stimuli", 150)
    assert 0.90 <= covered <= 0.99
    assert rejected <= 0.10


@pytest.mark.parametrize("two_models", [False, True])
def test_students_t_over_subjects_is_wrong_as_often_as_it_says(two_models) -> None:
    assert false_positives_over_subjects(600, two_models) == pytest.approx(0.05, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_stimuli", "noise", "n_subjects"), [(30, 0.5, 1), (40, 1.0, 3), (60, 0.3, 2)]
)
def test_intervals_over_stimuli_cover_the_truth_in_95_percent(n_stimuli, noise, n_subjects) -> None:
    covered, rejected = rates(World(0, noise, n_subjects), n_stimuli, "stimuli", 500)
    assert 0.93 <= covered <= 0.97
    assert 0.035 <= rejected <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize(("n_stimuli", "noise", "n_subjects"), [(30, 1.0, 5), (40, 0.5, 8)])
def test_intervals_over_stimuli_and_subjects_cover_the_truth_in_95_percent(
    n_stimuli, noise, n_subjects
) -> None:
    world = World(0, noise, n_subjects, new_subjects=True)
    covered, rejected = rates(world, n_stimuli, "both", 500)
    assert 0.93 <= covered <= 0.98
    assert 0.02 <= rejected <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize("two_models", [False, True])
def test_students_t_over_subjects_is_wrong_in_5_percent(two_models) -> None:
    assert false_positives_over_subjects(3000, two_models) == pytest.approx(0.05, abs=0.015)


@pytest.mark.slow
def test_intervals_of_cka_cover_the_truth_in_95_percent() -> None:
    random = np.random.default_rng(0)
    mixing = random.normal(size=(2, 6, 30))

    def draw(n: int) -> list[np.ndarray]:
        common = random.normal(size=(n, 6))
        return [kernel(common @ m + 2 * random.normal(size=(n, 30))) for m in mixing]

    def score(n: int) -> float:
        return float(bootstrap_cka(*draw(n), np.ones((1, n)))[0])

    truth = np.mean([score(1500) for _ in range(4)])
    assert np.mean([score(20) for _ in range(300)]) == pytest.approx(truth, abs=0.02)
    covered = []
    for repeat in range(500):
        scores = bootstrap_cka(*draw(40), stimulus_resamples(40, 200, repeat))
        low, high = np.percentile(scores, [2.5, 97.5])
        covered.append(low <= truth <= high)
    assert 0.93 <= np.mean(covered) <= 0.975
