"""Ceilings of methods that compare responses: invariant to what says nothing, and met by truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from response_examples import Response, ResponseRecording, recorded_responses
from rsa_examples import made_up_recording, response

from spikelearn.comparison import compare_responses, compare_rsa, encoding_table, unit_ceilings
from spikelearn.comparison.held_out_rsa import stimulus_folds
from spikelearn.comparison.neural_responses import NeuralResponses
from spikelearn.comparison.response_ceilings import (
    joined_subjects,
    response_ceilings,
    stepped_up,
)
from spikelearn.comparison.response_methods import RESPONSE_METHODS

BOUNDS = ["ceiling_lower", "ceiling_upper"]


def ceilings(recording: ResponseRecording, features: np.ndarray, method: str) -> np.ndarray:
    model = {"m": response(features, recording.labels)}
    return compare_responses(model, recording, 0, method=method)[BOUNDS].to_numpy()


def changed(recording: ResponseRecording, change) -> ResponseRecording:
    responses = tuple(
        Response(r.subject, r.region, change(i, np.array(r.values)))
        for i, r in enumerate(recording.responses)
    )
    return ResponseRecording(recording.name, recording.labels, responses)


@pytest.mark.parametrize("method", RESPONSE_METHODS)
@given(seed=st.integers(0, 1000), power=st.floats(-3, 3))
@settings(max_examples=4, deadline=None)
def test_ceilings_do_not_depend_on_a_subjects_scale_and_offset_or_on_the_baselines_of_repeats(
    method, seed, power
) -> None:
    recording, features = recorded_responses(24, n_subjects=3, n_units=6, seed=seed)
    random = np.random.default_rng(seed)

    def another(i: int, values: np.ndarray) -> np.ndarray:
        offset = random.normal(size=(1, 1, values.shape[2]))
        baselines = random.normal(size=(1, *values.shape[1:]))
        return (10.0**power if i == 1 else 1.0) * (values + 10 * offset + 5 * baselines)

    expected = ceilings(recording, features, method)
    np.testing.assert_allclose(
        ceilings(changed(recording, another), features, method), expected, rtol=1e-5
    )


def test_a_baseline_of_every_repeat_changes_no_ceiling_of_a_unit() -> None:
    baselines = np.array([0.0, 5.0, -5.0, 10.0])[None, :, None]
    random = np.random.default_rng(0)
    repeats = random.normal(size=(300, 1, 30)) + random.normal(size=(300, 4, 30))
    expected = unit_ceilings(repeats)
    assert expected.mean() == pytest.approx(np.sqrt(1 / (1 + 1 / 4)), abs=0.01)
    np.testing.assert_allclose(unit_ceilings(repeats + baselines), expected)
    recording, features = recorded_responses(n_subjects=1)
    one, other = (
        encoding_table(response(features), changed(recording, change), "S0", "V4")
        for change in (lambda _, v: v, lambda _, v: v + baselines)
    )
    np.testing.assert_allclose(one.normalised, other.normalised)
    assert other.normalised.notna().all()


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("method", ["cka", "procrustes", "encoding"])
def test_a_stimulus_that_was_shown_once_or_twice_lowers_no_ceiling(method, times) -> None:
    recording, features = recorded_responses(n_repeats=20, noise=2.0)

    def rarely(_: int, values: np.ndarray) -> np.ndarray:
        values[3, times:] = np.nan
        return values

    everywhere = ceilings(recording, features, method)[:, 1]
    rare = ceilings(changed(recording, rarely), features, method)[:, 1]
    assert (rare < everywhere + 0.01).all()
    np.testing.assert_allclose(rare, everywhere, atol=0.04)


@pytest.mark.parametrize("n_repeats", [2, 3, 5])
@pytest.mark.parametrize("method", ["cka", "procrustes", "encoding"])
def test_the_upper_ceiling_is_what_the_noiseless_response_scores(method, n_repeats) -> None:
    scores_of = RESPONSE_METHODS[method][0]
    folds = stimulus_folds(np.ones(80, dtype=bool), 5, 1, 0)[0]
    scores, bounds = [], []
    for seed in range(12):
        random = np.random.default_rng(seed)
        truth = random.normal(size=(80, 8)) @ random.normal(size=(8, 20)) / np.sqrt(8)
        repeats = truth[:, None] + 0.8 * random.normal(size=(80, n_repeats, 20))
        repeats += 3 * random.normal(size=(1, n_repeats, 20))
        one = NeuralResponses("S", "V4", repeats)
        bounds.append(response_ceilings(method, scores_of, [one], folds)[0, 1])
        if method == "encoding":  # what the prediction would correlate, if it were the truth
            both = zip(truth.T, one.mean.T, strict=True)
            scores.append(np.mean([np.corrcoef(a, b)[0, 1] for a, b in both]))
        else:
            scores.append(scores_of(truth, one.mean, np.ones((1, 80)), folds)[0])
    assert np.mean(bounds) == pytest.approx(np.mean(scores), abs=0.015)


@given(st.floats(0.01, 1.0))
@settings(max_examples=30, deadline=None)
def test_equal_halves_are_stepped_up_by_spearman_and_brown(agreement) -> None:
    expected = np.sqrt(2 * agreement / (1 + agreement))
    assert stepped_up(agreement, (0.5, 0.5, 0.25)) == pytest.approx(expected)


@given(st.floats(0.05, 20.0), st.integers(2, 9))
@settings(max_examples=30, deadline=None)
def test_unequal_halves_are_stepped_up_to_what_they_were_made_of(noise, number) -> None:
    first, second = 1 / ((number + 1) // 2), 1 / (number // 2)
    agreement = 1 / np.sqrt((1 + noise * first) * (1 + noise * second))
    expected = 1 / np.sqrt(1 + noise / number)
    assert stepped_up(agreement, (first, second, 1 / number)) == pytest.approx(expected)
    assert np.isnan(stepped_up(-0.1, (first, second, 1 / number)))


def test_subjects_are_joined_as_equals_and_one_that_never_varies_is_left_out() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(9, 3)), 1000 * random.normal(size=(9, 5)) + 7
    joined = joined_subjects([a, np.ones((9, 2)), b])
    assert joined.shape == (9, 8)
    assert joined[:, :3].var(axis=0).sum() == pytest.approx(1)
    assert joined[:, 3:].var(axis=0).sum() == pytest.approx(1)
    assert not joined_subjects([np.ones((9, 2))]).size


@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_dead_units_change_no_ceiling(method) -> None:
    recording, features = recorded_responses(30, n_units=6)
    dead = changed(recording, lambda _, v: np.concatenate([v, np.zeros_like(v[..., :1])], axis=2))
    np.testing.assert_allclose(
        ceilings(dead, features, method), ceilings(recording, features, method), rtol=1e-6
    )


def test_a_score_above_its_upper_ceiling_is_flagged() -> None:
    random = np.random.default_rng(0)
    repeats = random.normal(size=(40, 4, 10))
    recording = ResponseRecording(
        "made up", tuple(f"s{i}" for i in range(40)), (Response("S", "V4", repeats),)
    )
    # A model that holds the very noise of the recording is more like it than any truth could be.
    models = {
        "noise": response(repeats.mean(axis=1)),
        "other": response(random.normal(size=(40, 9))),
    }
    table = compare_responses(models, recording, 10, method="encoding")
    assert dict(zip(table.model, table.above_ceiling, strict=True)) == {
        "noise": True,
        "other": False,
    }
    assert table.above_ceiling.dtype == bool
    group = made_up_recording(12)
    same = {"m": response(np.eye(12))}
    assert not compare_rsa(same, group, 10).above_ceiling.any()
