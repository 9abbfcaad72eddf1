"""Tests by every method that compares responses: what is tested, and how often they err."""

from __future__ import annotations

import numpy as np
import pytest
from response_examples import recorded_responses
from rsa_examples import response
from rsatoolbox.util.inference_util import t_test_0, t_tests
from unrelated_models import WORLDS, p_of_equal, p_of_unrelated

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import compare_by, difference_table, mean_table, zero_table
from spikelearn.comparison.models_and_targets import matched_response
from spikelearn.comparison.name_order import by_names
from spikelearn.comparison.neural_responses import neural_responses
from spikelearn.comparison.permutation import p_by_sequence
from spikelearn.comparison.response_methods import (
    RESPONSE_METHODS,
    response_folds,
)
from spikelearn.comparison.response_permutations import orders_of_stimuli

RECORDING, FEATURES = recorded_responses(n_stimuli=30, n_units=8)
RANDOM = np.random.default_rng(4)
# Two instances of the right features in noise, and something else.
MODELS = {
    ("right", "h"): [response(FEATURES + RANDOM.normal(size=FEATURES.shape)) for _ in range(2)],
    ("wrong", "h"): response(RANDOM.normal(size=(30, 5))),
}


@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_a_related_model_is_found_and_an_unrelated_one_is_not(method) -> None:
    table = zero_table(MODELS, RECORDING, 119, method=method)
    assert list(table.method) == [method] * len(table)
    mean = table[table.level == "mean"].set_index("model")
    assert mean.p["right"] < 0.02
    assert mean.p_holm["right"] == pytest.approx(2 * mean.p["right"])
    assert mean.p["wrong"] > 0.05
    scores = mean_table(MODELS, RECORDING, 30, method=method)
    np.testing.assert_allclose(scores.score, table.score)
    subjects = zero_table(MODELS, RECORDING, method=method, test="subjects")
    assert list(subjects.level) == ["mean", "mean"]


@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_p_is_that_of_scores_computed_one_by_one(method) -> None:
    table = zero_table(MODELS, RECORDING, 39, 7, method=method)
    recording = by_names(RECORDING)
    folds = response_folds(method, 30, 7)
    orders = orders_of_stimuli(method, folds, 39, 7)
    scores_of = RESPONSE_METHODS[method][0]
    xs = [matched_response("m", r, recording.labels, "").to_numpy() for r in MODELS["right", "h"]]
    ones = neural_responses(recording, method)
    once = np.ones((1, 30))

    def score(order: np.ndarray) -> float:
        return np.mean([scores_of(x, o.mean[order], once, folds)[0] for x in xs for o in ones])

    row = table[(table.level == "mean") & (table.model == "right")].iloc[0]
    assert row.score == pytest.approx(score(np.arange(30)))
    assert row.p == p_by_sequence(row.score, np.array([score(order) for order in orders]))


@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_a_difference_is_that_of_the_scores_over_the_same_resamples(method) -> None:
    table = difference_table(MODELS, RECORDING, n_bootstrap=60, method=method)
    scores = mean_table(MODELS, RECORDING, 60, method=method)
    one, other = (
        scores[scores.model == name].reset_index(drop=True) for name in ("right", "wrong")
    )
    np.testing.assert_allclose(table.difference, one.score - other.score)
    assert (table.ci_lower < table.difference).all()
    assert (table.difference < table.ci_upper).all()
    single = {"right": MODELS["right", "h"][0]}
    own = compare_by(method, single, RECORDING, 60)
    alone = mean_table(single, RECORDING, 60, method=method)
    for column in ("score", "ci_lower", "ci_upper"):
        np.testing.assert_allclose(alone[column], own[column])
    nothing = difference_table(single, RECORDING, [("right", "right")], 60, method=method)
    assert (nothing[["difference", "ci_lower", "ci_upper"]] == 0).all(axis=None)
    assert (nothing.p == 1).all()


def test_a_better_model_is_told_from_noise_by_every_method() -> None:
    recording, features = recorded_responses(n_stimuli=80, n_units=20, noise=0.5)
    models = {
        "right": response(features),
        "wrong": response(np.random.default_rng(1).normal(size=(80, 6))),
    }
    for method in RESPONSE_METHODS:
        table = difference_table(models, recording, n_bootstrap=100, method=method)
        assert table.p[table.level == "mean"].item() < 0.01, method


@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_tests_over_subjects_are_rsatoolboxs_t_tests(method) -> None:
    recording, features = recorded_responses(n_stimuli=30, n_subjects=5, n_units=8)
    noisy = np.random.default_rng(2).normal(size=(2, *features.shape))
    models = {name: response(features + n) for name, n in zip("ab", noisy, strict=True)}
    each = compare_by(method, models, recording, 0).query("level == 'subject'")
    scores = each.pivot(index="model", columns="subject", values="score").to_numpy()
    error = scores.var(axis=1, ddof=1) / 5
    zero = zero_table(models, recording, method=method, test="subjects")
    np.testing.assert_allclose(zero.p, t_test_0(scores[None], error, 4), atol=1e-12)
    difference = np.diff(scores, axis=0).var(ddof=1) / 5
    pairs = difference_table(models, recording, n_bootstrap=20, method=method, over="subjects")
    row = pairs[pairs.level == "mean"].iloc[0]
    expected = t_tests(scores[None], np.array([difference]), 4)[0, 1]
    assert row.p == pytest.approx(expected, abs=1e-12)


def test_names_of_methods_and_options_of_others_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="no method 'svm'"):
        zero_table(MODELS, RECORDING, method="svm")
    with pytest.raises(SpikelearnError, match="of the methods rsa and partial_rsa, not of cka"):
        difference_table(MODELS, RECORDING, method="cka", comparator="spearman")


def test_a_model_that_answers_every_stimulus_alike_has_no_score_and_no_p() -> None:
    models = {"flat": response(np.ones((30, 4))), **MODELS}
    table = zero_table(models, RECORDING, 20, method="cka")
    flat = table[table.model == "flat"]
    assert flat[["score", "p", "p_holm"]].isna().all(axis=None)
    assert table[table.model == "right"].p.notna().all()
    differences = difference_table(models, RECORDING, [("flat", ("right", "h"))], 20, method="cka")
    assert differences[["difference", "p"]].isna().all(axis=None)


def test_tests_against_zero_err_as_often_as_they_say() -> None:
    p = p_of_unrelated("cka", 300, n_permutations=59)
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p <= level) == pytest.approx(level, abs=4 * np.sqrt(level / 300))


@pytest.mark.slow
@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_p_of_unrelated_models_is_uniform(method) -> None:
    p = p_of_unrelated(method, 300 if method == "cca" else 500)
    for level in (0.05, 0.1, 0.2, 0.5):
        se = np.sqrt(level * (1 - level) / len(p))
        assert np.mean(p <= level) == pytest.approx(level, abs=3.5 * se)


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_models_that_are_alike_are_rarely_told_apart(method, world) -> None:
    # At 5 %: never more than a tenth, where tails are heavy, and rather less elsewhere.
    p = p_of_equal(method, 60 if method == "cca" else 200, world)
    se = np.sqrt(0.05 * 0.95 / len(p))
    assert np.mean(p <= 0.05) < (0.075 if world == "heavy tails" else 0.05) + 2.5 * se
