"""Permutation of what controls leave of a model: what it keeps, and how often it errs."""

from __future__ import annotations

import numpy as np
import pytest
from partial_worlds import (
    KINDS,
    World,
    p_beyond_controls,
    p_of_alike,
    power_where_chance_is_known,
)
from scipy.spatial.distance import pdist, squareform
from scipy.special import ndtri
from scipy.stats import rankdata

from spikelearn.comparison.partial_rsa import left_by
from spikelearn.comparison.permutation import permutation_scores
from spikelearn.comparison.residual_permutation import parted, residual_permutation_scores

RANDOM = np.random.default_rng(4)
N = 12
SHARED = RANDOM.normal(size=(N, 5))


def ranks(*more: float) -> np.ndarray:
    """Ranks of an RDM of what is shared, and of as much that is not."""
    own = [weight * RANDOM.normal(size=(N, 5)) for weight in more]
    return rankdata(pdist(np.column_stack([SHARED, *own]), "correlation"))


def design(*controls: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(controls[0])), *controls])


def test_scores_are_those_of_regressions_made_anew_for_each_order() -> None:
    model, data, control = ranks(1.0), np.stack([ranks(1.0), ranks(0.5)]), ranks()
    given = design(control)
    scores = residual_permutation_scores(model, given, data, 70, 3)
    kept, rest = parted(model, given)
    assert kept + rest == pytest.approx(model)
    # The same orders as those of RSA's test, found by relabelling a matrix of numbers of pairs.
    orders = []
    for number in range(66):
        one = np.zeros(66)
        one[number] = 1.0
        orders.append(permutation_scores(one, np.eye(66), 70, 3, "pearson").argmax(axis=0))
    for k in range(70):
        relabelled = np.zeros(66)
        for number in range(66):
            relabelled[orders[number][k]] = rest[number]
        for d, recorded in enumerate(data):
            ours, theirs = left_by(given, np.stack([kept + relabelled, recorded]))
            assert scores[d, k] == pytest.approx(np.corrcoef(ours, theirs)[0, 1], abs=1e-10)


def test_what_the_controls_explain_on_a_curve_stays_and_the_rest_is_not_explained() -> None:
    controls = np.column_stack([RANDOM.permutation(66) + 1.0 for _ in range(2)])
    given = design(*controls.T)
    scores = ndtri((rankdata(controls, axis=0) - 0.5) / 66)
    summed = rankdata(scores @ [1.0, 0.5])  # ranks of what is a sum on the scale of normal scores
    on_line = left_by(given, summed[None])[0]
    kept, rest = parted(summed, given)
    assert kept + rest == pytest.approx(summed)
    assert rest.std() < 0.5 * on_line.std()
    kept, rest = parted(ranks(1.0), design(controls[:, 0], controls[:, 0]))  # it repeats the first
    assert np.abs(rest @ np.column_stack([np.ones(66), controls[:, 0]])).max() < 1e-8 * 66**2
    assert kept.std() > 0
    kept, rest = parted(ranks(1.0), design(np.ones(66)))
    assert np.ptp(kept) < 1e-9


def test_the_order_of_stimuli_changes_nothing_of_what_stays() -> None:
    model, control = ranks(1.0), ranks()
    order = RANDOM.permutation(N)

    def moved(vector: np.ndarray) -> np.ndarray:
        return squareform(squareform(vector)[np.ix_(order, order)])

    _, rest = parted(model, design(control))
    assert parted(moved(model), design(moved(control)))[1] == pytest.approx(moved(rest))


def test_what_model_and_recording_share_through_controls_is_not_found() -> None:
    p = p_beyond_controls(World("one number", 20), 60, 39)
    assert np.mean(p <= 0.05) <= 0.14  # orders of the model itself would find nearly all


def test_what_they_share_beyond_is_found() -> None:
    assert np.mean(p_beyond_controls(World("features", 20, related=1.0), 40, 39) <= 0.05) > 0.7


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "more",
    [
        {"n": 20, "shared": 0.8},
        {"n": 50},
        {"n": 50, "comparator": "pearson"},
        {"n": 24, "shared": 0.8, "heavy": True},
    ],
)
def test_tests_given_controls_are_wrong_in_5_percent(kind, more) -> None:
    p = p_beyond_controls(World(kind, **more), 1500)
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.015 + 0.01)  # and twice its own error


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_of_a_relation_beyond_the_controls_nearly_all_is_found_that_can_be(kind) -> None:
    world = World(kind, 40, related=0.7)
    found = np.mean(p_beyond_controls(world, 200) <= 0.05)
    assert found > 0.9 * power_where_chance_is_known(world, 200)  # of which 0.55 to 0.99 are found


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [24, 60])
def test_models_that_are_alike_given_controls_are_told_apart_in_at_most_5_percent(kind, n) -> None:
    p = p_of_alike(World(kind, n, related=1.0), 500)
    assert 0.01 <= np.mean(p <= 0.05) <= 0.065
