"""What an update left, and how far it is from another."""

from __future__ import annotations

import torch

from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.outcome import (
    Outcome,
    effect,
    effect_on,
    named_parameters,
)
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate


def test_an_effect_is_relative_to_the_unchanged_update() -> None:
    one, two = {"w": torch.tensor([3.0, 4.0])}, {"w": torch.tensor([3.0, 9.0])}
    assert effect(two, one, ["w"]) == 1.0
    assert effect(one, one, ["w"]) == 0.0
    assert effect(one, {"w": torch.zeros(2)}, ["w"]) == float("inf")


def test_parameters_are_named_as_they_are_kept() -> None:
    names = named_parameters(RepeatedUpdate("kolen_pollack").run().rule)
    assert {"network.layers.0.bias", "extra.feedback.0"} <= set(names)
    fixed = RepeatedUpdate("feedback_alignment").run().rule
    assert "extra.feedback.0" not in named_parameters(fixed)


def test_an_update_of_tiny_numbers_or_of_none_has_an_effect_too() -> None:
    tiny = {"w": torch.tensor([1e-170, 0.0], dtype=torch.float64)}
    assert effect({"w": 2 * tiny["w"]}, tiny, ["w"]) == 1.0
    assert effect({}, tiny, ["w"]) == 1.0
    assert effect(tiny, {}, ["w"]) == float("inf")
    assert effect({"w": tiny["w"] * float("nan")}, tiny, ["w"]) == float("inf")


def test_what_adds_up_to_the_same_by_other_steps_is_another_update() -> None:
    rule, observer = RepeatedUpdate("oja").run().rule, OperationObserver()
    whole, halves = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 1.0])
    once = Outcome(rule, observer, whole, updates={"w": whole}, calls=[{"w": whole}])
    twice = Outcome(rule, observer, whole, updates={"w": whole}, calls=[{"w": halves}] * 2)
    assert effect_on(once, once, ["w"]) == effect_on(twice, twice, ["w"]) == 0.0
    assert effect_on(twice, once, ["w"]) > 0.5
