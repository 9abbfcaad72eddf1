"""Ridge against scikit-learn, ceilings against simulation, and the table of response methods."""

from __future__ import annotations

import numpy as np
import pytest
from response_examples import Response, ResponseRecording, recorded_responses
from rsa_examples import made_up_recording, response
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    METHODS,
    compare_by,
    compare_responses,
    compare_rsa,
    encoding_table,
    fit_ridge,
    unit_ceilings,
)
from spikelearn.comparison.encoding import ALPHAS
from spikelearn.comparison.held_out_scores import within_fold_correlations
from spikelearn.comparison.response_methods import RESPONSE_METHODS


def regression(n=40, p=60, seed=0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, p)) * 3 + 1
    return x, x[:, :4] @ random.normal(size=(4, 3)) + random.normal(size=(n, 3))


def scaled(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=0)
    return centred / np.sqrt((centred**2).mean() * x.shape[1])


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
def test_ridge_is_scikit_learns(alpha) -> None:
    x, y = regression()
    expected = Ridge(alpha=alpha).fit(scaled(x), y).predict(scaled(x))
    np.testing.assert_allclose(fit_ridge(x, y, [alpha])(x), expected, atol=1e-6)


def test_the_regularisation_of_every_unit_is_scikit_learns_choice() -> None:
    x, y = regression(seed=1)
    predicted = fit_ridge(x, y)(x)
    for k in range(3):
        search = GridSearchCV(
            Ridge(fit_intercept=False),
            {"alpha": ALPHAS},
            cv=KFold(4),
            scoring="neg_mean_squared_error",
        )
        search.fit(scaled(x), y[:, k] - y[:, k].mean())
        expected = search.best_estimator_.predict(scaled(x)) + y[:, k].mean()
        np.testing.assert_allclose(predicted[:, k], expected, atol=1e-6)


def test_too_few_stimuli_to_choose_by_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="3 training stimuli"):
        fit_ridge(np.eye(3), np.eye(3))


def test_a_units_ceiling_is_what_its_noiseless_response_scores() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(3000, 1, 4)) * [0.0, 0.5, 1.0, 2.0]
    repeats = truth + random.normal(size=(3000, 3, 4))
    found = unit_ceilings(repeats)
    expected = [np.corrcoef(truth[:, 0, k], repeats[:, :, k].mean(1))[0, 1] for k in (1, 2, 3)]
    np.testing.assert_allclose(found[1:], expected, atol=0.02)
    assert found[0] < 0.3
    assert np.isnan(unit_ceilings(repeats[:, :1])).all()


def test_correlations_within_folds_leave_out_differences_between_them() -> None:
    random = np.random.default_rng(1)
    folds = [np.arange(20) < 10, np.arange(20) >= 10]
    pairs = [(random.normal(size=(10, 2)), random.normal(size=(10, 2)), test) for test in folds]
    shifted = [(a + 100 * i, b - 50 * i, test) for i, (a, b, test) in enumerate(pairs)]
    counts = random.integers(0, 3, (6, 20))
    found = within_fold_correlations(pairs, counts)
    np.testing.assert_allclose(found, within_fold_correlations(shifted, counts), atol=1e-6)
    np.testing.assert_allclose(found, within_fold_correlations(pairs, counts, chunk_units=1))
    once = within_fold_correlations(pairs[:1], counts * folds[0])[2, 0]
    index = np.repeat(np.arange(10), counts[2, :10])
    assert once == pytest.approx(np.corrcoef(pairs[0][0][index, 0], pairs[0][1][index, 0])[0, 1])


@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_the_right_features_score_near_the_ceiling_and_others_nothing(method) -> None:
    recording, features = recorded_responses()
    random = np.random.default_rng(2)
    models = {
        ("right", "h"): response(features @ np.linalg.qr(random.normal(size=(6, 6)))[0]),
        ("wrong", "h"): response(random.normal(size=(60, 12))),
    }
    table = compare_responses(models, recording, 100, method=method)
    assert list(table.subject) == ["S0", "S1", "mean"] * 2
    mean = table[table.subject == "mean"].set_index("model")
    right, wrong = mean.loc["right"], mean.loc["wrong"]
    assert right.score == pytest.approx(
        table[(table.model == "right") & (table.subject != "mean")].score.mean()
    )
    assert right.ci_lower < right.score < right.ci_upper
    assert wrong.ci_lower < 0.1
    assert wrong.score < 0.25 < right.score
    assert 0 < right.ceiling_lower < right.score + 0.1
    if method == "cca":
        assert np.isnan(right.ceiling_upper)
    else:
        assert right.ceiling_lower < right.ceiling_upper
        assert right.score == pytest.approx(right.ceiling_upper, abs=0.1)
    assert (table.method == method).all()


def test_every_method_gives_the_same_columns() -> None:
    recording, features = recorded_responses(n_stimuli=30)
    first = {
        "model", "layer", "recording", "region", "subject", "method", "measure", "score",
        "ci_lower", "ci_upper", "ceiling_lower", "ceiling_upper", "n_stimuli", "flag",
    }  # fmt: skip
    models = {"m": response(features)}
    for method in METHODS:
        data = made_up_recording(30) if method == "rsa" else recording
        assert first <= set(compare_by(method, models, data, 5).columns)
    with pytest.raises(SpikelearnError, match="methods are rsa, cka"):
        compare_by("dsa", models, recording)


@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_a_recording_of_rdms_says_that_there_are_no_responses(method) -> None:
    models = {"m": response(np.random.default_rng(0).normal(size=(30, 5)))}
    with pytest.raises(SpikelearnError, match=f"as RDMs, and {method} compares responses"):
        compare_by(method, models, made_up_recording(30))


def test_the_order_of_the_responses_stimuli_does_not_matter() -> None:
    recording, features = recorded_responses(n_stimuli=30)
    order = np.random.default_rng(3).permutation(30)
    shuffled = response(features[order], np.array(recording.labels)[order])
    for method in ("cka", "encoding"):
        one, other = (
            compare_responses({"m": r}, recording, 20, method=method)
            for r in (response(features), shuffled)
        )
        np.testing.assert_allclose(one.score, other.score)


def test_one_subject_and_one_repeat_leave_no_ceiling_and_say_so() -> None:
    recording, features = recorded_responses(n_subjects=1, n_repeats=1)
    table = compare_responses({"m": response(features)}, recording, 0, method="cka")
    assert table[["ceiling_lower", "ceiling_upper"]].isna().all(axis=None)
    assert table.flag.str.contains("one subject").all()
    assert table.flag.str.contains("no repeats").all()


def test_a_constant_response_scores_nothing_and_says_why() -> None:
    recording, _ = recorded_responses(n_stimuli=30)
    table = compare_responses({"m": response(np.ones((30, 4)))}, recording, 5, method="encoding")
    assert table.score.isna().all()
    assert table.flag.str.contains("the same to every stimulus").all()


def test_the_table_of_units_has_their_ceilings() -> None:
    recording, features = recorded_responses()
    table = encoding_table(response(features), recording, "S1", "V4")
    assert len(table) == 30
    np.testing.assert_allclose(
        table.ceiling, unit_ceilings(np.asarray(recording.responses[1].values))
    )
    assert table.normalised.mean() == pytest.approx(0.95, abs=0.1)
    with pytest.raises(SpikelearnError, match="there are S0 in V4"):
        encoding_table(response(features), recording, "S9", "V4")


def test_responses_that_cannot_be_used_are_refused() -> None:
    labels = tuple(f"s{i}" for i in range(20))
    models = {"m": response(np.random.default_rng(0).normal(size=(20, 3)))}
    short = ResponseRecording("made up", labels, (Response("S", "V1", np.zeros((19, 1, 4))),))
    with pytest.raises(SpikelearnError, match="19 stimuli have responses, but 20"):
        compare_responses(models, short, method="cka")
    broken = ResponseRecording("made up", labels, (Response("S", "V1", np.full((20, 4), np.nan)),))
    with pytest.raises(SpikelearnError, match="not finite"):
        compare_responses(models, broken, method="cka")


def test_repeats_that_are_missing_change_little() -> None:
    recording, features = recorded_responses()
    whole = compare_responses({"m": response(features)}, recording, 0, method="encoding")
    values = np.array(recording.responses[0].values)
    values[::3, 3, ::2] = np.nan
    gaps = ResponseRecording(
        recording.name, recording.labels, (Response("S0", "V4", values), recording.responses[1])
    )
    table = compare_responses({"m": response(features)}, gaps, 0, method="encoding")
    np.testing.assert_allclose(table.score, whole.score, atol=0.05)
    assert table.ceiling_upper.notna().all()


def test_recorded_rdms_are_made_of_responses_by_any_method() -> None:
    recording, features = recorded_responses(n_units=10)
    object.__setattr__(recording, "__dict__", recording.__dict__ | {"rdms": (), "groups": {}})
    models = {"m": response(features, rdm_method="euclidean")}
    scores = {
        how: compare_rsa(models, recording, 20, recorded=how)
        .query("subject == 'mean'")
        .score.item()
        for how in ("correlation", "euclidean", "crossnobis")
    }
    assert scores["crossnobis"] > 0.6
    assert scores["euclidean"] > 0.6
    with pytest.raises(SpikelearnError, match="as RDMs, and a recorded RDM by crossnobis"):
        compare_rsa({"m": response(np.eye(8))}, made_up_recording(8), recorded="crossnobis")
