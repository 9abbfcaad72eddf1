"""Updates beside the exact gradient."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from cheats import CHEATS

from spikelearn.plausibility.gradient_match import (
    CONDITIONS,
    EXACT,
    BesideGradient,
    gradient_matches,
    hidden_parameters,
)
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.rules.feedback_alignment import FeedbackAlignment


def matches(rule: object) -> list[tuple[str, int, int, str]]:
    """How, since when, how late and where a rule's updates are the gradient."""
    found = gradient_matches(RepeatedUpdate(rule), partial(RepeatedUpdate, rule))
    return [(m.how, m.first, m.late, m.where) for m in found]


def test_the_gradient_is_matched_by_itself_in_every_condition() -> None:
    assert matches("backprop") == [("cosine", 1, 0, one.name) for one in CONDITIONS]
    assert matches("backprop_through_time") == [("cosine", 1, 0, one.name) for one in CONDITIONS]


@pytest.mark.parametrize(
    "rule", ["feedback_alignment", "node_perturbation", "pepita", "local_pred", "eprop", "oja"]
)
def test_other_rules_match_nowhere(rule: str) -> None:
    assert matches(rule) == []


@pytest.mark.parametrize(
    ("cheat", "first", "late"),
    [("copied_after_update", 2, 0), ("copied_every_third", 4, 0), ("previous_batch", 2, 1)],
)
def test_late_copies_and_batches_before_are_matched_from_then_on(
    cheat: str, first: int, late: int
) -> None:
    assert ("cosine", first, late, CONDITIONS[0].name) in matches(CHEATS[cheat].rule)


@pytest.mark.parametrize("cheat", ["honest_when_precise", "honest_in_small_networks"])
def test_rules_that_differ_in_training_are_matched_there(cheat: str) -> None:
    assert {where for *_, where in matches(CHEATS[cheat].rule)} == {CONDITIONS[2].name}


class Signs(FeedbackAlignment):
    """The signs of the gradient, with sizes of their own."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: object) -> torch.Tensor:
        loss = torch.nn.functional.cross_entropy(self.network(x), y)
        parameters = list(self.network.parameters())
        for p, g in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            p.grad = g.sign() * torch.rand(g.shape, generator=self.generator, dtype=g.dtype)
        apply()  # type: ignore[operator]
        return loss.detach()


def test_the_sign_of_every_element_is_a_match_where_weights_are_of_both_signs() -> None:
    assert ("sign", 1, 0, CONDITIONS[0].name) in matches(Signs)


def test_updates_are_made_on_a_network_that_moves_by_small_steps() -> None:
    beside = BesideGradient(RepeatedUpdate("backprop"), CONDITIONS[0])
    weights = [p.detach().clone() for p in beside.rule.network.parameters()]
    beside.step()
    for before, after in zip(weights, beside.rule.network.parameters(), strict=True):
        assert 0 < float((after.detach() - before).norm()) < 0.01 * float(before.norm())
    assert set(beside.updates[0]) == set(beside.names)
    assert EXACT < 1


def test_hidden_parameters_are_weights_and_biases_below_the_output() -> None:
    for rule, names in (
        ("backprop", {"layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"}),
        ("surrogate", {"weights.0", "weights.1"}),
    ):
        update = RepeatedUpdate(rule)
        assert set(hidden_parameters(update, update.network())) == names
