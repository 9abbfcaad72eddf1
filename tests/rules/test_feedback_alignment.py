"""Feedback alignment in all its forms: options, refusals, what is saved, and that it learns."""

from __future__ import annotations

from typing import Any

import pytest
from small_networks import (
    LEARNT,
    SMALL,
    accuracy_on_digits,
    assert_option_refused,
    assert_recurrent_refused,
    assert_shapes_of_layers,
    prepared,
)

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from tests.rules.small_networks import family

NAMES = family(FeedbackAlignment)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("feedback_alignment", {"loss": "hinge"}, "option 'loss' must be one of"),
        ("feedback_alignment", {"scale": -1.0}, "option 'scale' must be a number at least 0"),
        ("direct_feedback_alignment", {"scale": "big"}, "option 'scale' must be a number"),
        ("kolen_pollack", {"scale": float("nan")}, "option 'scale' must be a number"),
        ("sign_symmetric_random", {"magnitude": "fixed"}, "has no option 'magnitude'"),
        ("weight_mirror", {"sigma": 0.0}, "option 'sigma' must be a number at least 1e-06"),
        ("weight_mirror", {"n_noise": 1}, "option 'n_noise' must be a number at least 2"),
        ("weight_mirror", {"every": 0}, "option 'every' must be a number at least 1"),
        ("weight_mirror", {"decay": -0.1}, "option 'decay' must be a number at least 0"),
    ],
)
def test_an_option_that_cannot_be_is_refused_in_one_sentence(
    name: str, options: dict[str, Any], sentence: str
) -> None:
    assert_option_refused(name, options, sentence)


@pytest.mark.parametrize("name", NAMES)
def test_a_recurrent_network_is_refused_in_one_sentence(name: str) -> None:
    assert_recurrent_refused(name)


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("name", NAMES)
def test_scores_and_activity_have_the_shapes_of_the_layers(name: str, kind: str) -> None:
    assert_shapes_of_layers(prepared(name, kind))


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("name", NAMES)
def test_feedback_has_the_shape_of_what_it_stands_for(name: str, kind: str) -> None:
    rule = prepared(name, kind)
    shapes = [tuple(matrix.shape) for matrix in rule._feedback()]  # type: ignore[attr-defined]
    if name == "direct_feedback_alignment":
        sizes = {"mlp": [64, 32], "cnn": [8 * 16, 16 * 4]}[kind]
        assert shapes == [(10, n) for n in sizes]
    else:
        assert shapes == [tuple(weight.shape) for weight in rule.network.weights()[1:]]


@pytest.mark.parametrize("name", NAMES)
def test_what_learns_is_in_a_group_and_what_does_not_is_not(name: str) -> None:
    groups = prepared(name).groups()
    learns = name in ("kolen_pollack", "weight_mirror")
    assert list(groups) == (["network", "feedback"] if learns else ["network"])


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("name", NAMES)
def test_it_learns_to_read_digits(name: str, kind: str) -> None:
    settings: dict[str, Any] = {}
    if name == "kolen_pollack":
        settings = {"weight_decay": 0.2}
    elif name == "weight_mirror":
        settings = {"groups": {"feedback": {"optimizer": "sgd", "learning_rate": 0.05}}}
    assert accuracy_on_digits(prepared(name, kind), name, **settings) > LEARNT[kind]
