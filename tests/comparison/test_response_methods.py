"""Comparison by responses: one table for every method, with ceilings."""

from __future__ import annotations

import numpy as np
import pytest
from response_examples import Response, ResponseRecording, recorded_responses
from rsa_examples import made_up_recording, response

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    METHODS,
    compare_by,
    compare_responses,
    encoding_table,
    unit_ceilings,
)
from spikelearn.comparison.models_and_targets import OF_RDMS
from spikelearn.comparison.response_methods import RESPONSE_METHODS


@pytest.mark.parametrize("method", RESPONSE_METHODS)
def test_the_right_features_score_near_the_ceiling_and_others_nothing(method) -> None:
    recording, features = recorded_responses()
    random = np.random.default_rng(2)
    models = {
        ("right", "h"): response(features @ np.linalg.qr(random.normal(size=(6, 6)))[0]),
        ("wrong", "h"): response(random.normal(size=(60, 12))),
    }
    table = compare_responses(models, recording, 100, method=method)
    assert list(table.subject) == ["S0", "S1", ""] * 2
    mean = table[table.level == "mean"].set_index("model")
    right, wrong = mean.loc["right"], mean.loc["wrong"]
    assert right.score == pytest.approx(
        table[(table.model == "right") & (table.level != "mean")].score.mean()
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
        data = made_up_recording(30) if method in OF_RDMS else recording
        assert first <= set(compare_by(method, models, data, 5).columns)
    with pytest.raises(SpikelearnError, match="there is no method 'dsa'; did you mean rsa"):
        compare_by("dsa", models, recording)


def test_the_order_of_the_responses_stimuli_does_not_matter() -> None:
    recording, features = recorded_responses(n_stimuli=30)
    order = np.random.default_rng(3).permutation(30)
    shuffled = response(features[order], np.array(recording.labels)[order])
    for method in RESPONSE_METHODS:
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
    with pytest.raises(SpikelearnError, match="did you mean S1 in V4 or S0 in V4"):
        encoding_table(response(features), recording, "S9", "V4")


def test_responses_that_cannot_be_used_are_refused() -> None:
    labels = tuple(f"s{i}" for i in range(20))
    models = {"m": response(np.random.default_rng(0).normal(size=(20, 3)))}
    short = ResponseRecording("made up", labels, (Response("S", "V1", np.zeros((19, 1, 4))),))
    with pytest.raises(SpikelearnError, match="19 stimuli have responses, but 20"):
        compare_responses(models, short, method="cka")
    broken = ResponseRecording("made up", labels, (Response("S", "V1", np.full((20, 4), np.nan)),))
    with pytest.raises(SpikelearnError, match="4 of 4 units were observed under no stimulus"):
        compare_responses(models, broken, method="cka")
    infinite = Response("S", "V1", np.full((20, 4), np.inf))
    with pytest.raises(SpikelearnError, match="not finite"):
        compare_responses(models, ResponseRecording("made up", labels, (infinite,)), method="cka")
