"""Watched: a rule that behaves while it is looked at, and rules that do nothing else elsewhere."""

from __future__ import annotations

from typing import Any

import cheats
import pytest
import torch
from cheats import CHEATS
from measured import audited

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.plausibility.instruments.watched import distance, elsewhere


class OtherIn(cheats.HonestFeedbackAlignment):
    """Feedback alignment that learns backwards under a condition."""

    def condition(self, x: torch.Tensor) -> bool:
        """Whether it does."""
        raise NotImplementedError

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
        """As feedback alignment, or with hidden units in another order."""

        def turned() -> None:
            if self.condition(x):
                for weight in self.network.weights():
                    weight.grad = weight.grad.flip(0)  # type: ignore[union-attr]
            apply()

        return super().update(x, y, turned)


class InLargeBatches(OtherIn):
    """In batches of more than ten."""

    def condition(self, x: torch.Tensor) -> bool:
        """By the batch."""
        return len(x) > 10


class In32Bits(OtherIn):
    """In 32 bits."""

    def condition(self, x: torch.Tensor) -> bool:
        """By the type."""
        return x.dtype == torch.float32


class InEvaluation(OtherIn):
    """In evaluation mode."""

    def condition(self, x: torch.Tensor) -> bool:
        """By the network's mode."""
        return not self.network.training


@pytest.mark.parametrize(
    ("rule", "where"),
    [(CHEATS["honest_under_observation"].rule, "where nothing observes it"),
     (CHEATS["honest_in_the_main_thread"].rule, "in a thread of its own"),
     (CHEATS["honest_on_the_stack"].rule, "in a thread of its own"),
     (InEvaluation, "in evaluation mode"),
     (InLargeBatches, "in a batch of 32 samples"),
     (In32Bits, "in 32 bits")],
)  # fmt: skip
def test_a_rule_that_does_something_else_elsewhere_is_acquitted_of_nothing(
    rule: Any, where: str
) -> None:
    under_audit = AuditedRule(rule)
    assert where in under_audit.watched
    finding = under_audit.finding(CRITERIA["C2"])
    assert finding.verdict == "contradicted"
    assert where in finding.sentence


class WithDropout(cheats.HonestFeedbackAlignment):
    """Feedback alignment with torch's own dropout, which cannot be given again in other batches."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
        """With some of the stimulus left out."""
        return super().update(torch.nn.functional.dropout(x, 0.3), y, apply)


class WithDropoutInLargeBatches(WithDropout, InLargeBatches):
    """The same, otherwise in batches of more than ten."""


def test_noise_that_cannot_be_given_again_is_no_other_update() -> None:
    assert AuditedRule(WithDropout).watched == ""


def test_behind_such_noise_another_update_is_seen() -> None:
    assert "in a batch of 32 samples" in AuditedRule(WithDropoutInLargeBatches).watched


# Noise by sample, feedback that learns, batches that are compared, settling, steps, spikes, events.
HONEST = ("backprop", "node_perturbation", "weight_mirror", "local_sim", "softhebb", "eprop",
          "equilibrium_propagation", "forward_forward", "eprop_spiking", "eventprop")  # fmt: skip


@pytest.mark.parametrize("rule", HONEST)
def test_an_honest_rule_makes_one_update_everywhere(rule: str) -> None:
    assert audited(rule).watched == ""


def test_conditions_are_those_in_which_the_update_could_be_another() -> None:
    under_audit = audited("feedback_alignment")
    found = list(elsewhere(under_audit.update, under_audit.base, under_audit.mixing > 0))
    assert len(found) == 5
    assert all(f.distance <= f.allowed for f in found)
    assert found[0].distance == found[1].distance == 0.0  # to the last bit
    assert 0 < found[4].distance < 1e-6  # 32 bits are not 64


def test_a_distance_is_that_of_directions() -> None:
    one, two = {"w": torch.tensor([1.0, 0.0])}, {"w": torch.tensor([0.0, 2.0])}
    assert distance(one, {"w": 3 * one["w"]}) == 0.0
    assert distance(one, two) == pytest.approx(1.0)
    assert distance(one, {}) == 1.0
    assert distance({}, {}) == 0.0
