"""A rule under audit: what is measured once for several criteria."""

from __future__ import annotations

from typing import Any

import cheats
import pytest
import torch
from measured import audited

from spikelearn._errors import SpikelearnError
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.plausibility.output_alone import audited_rule
from spikelearn.rules.rule import Rule, forward_pass, output_loss


class HebbOfActiveUnits(Rule):
    """Hebb's rule of units that a mask selects, as many as are active; some labels teach more."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
        """Pre times post times label; the error at the output."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        for p in passes:
            post, active = torch.zeros_like(p.h), p.z > 0
            post[active] = -(p.h * (1 + y[:, None]))[active] / len(x)
            p.leave_gradient(error if p is passes[-1] else post)
        apply()
        return loss


class Fragile(cheats.HonestFeedbackAlignment):
    """Feedback alignment that takes no other numbers than those of 64 bits."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
        """As feedback alignment."""
        if x.dtype != torch.float64:
            raise ZeroDivisionError("other numbers")
        return super().update(x, y, apply)


class Broken(cheats.HonestFeedbackAlignment):
    """Never makes an update."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
        """Raises."""
        raise ZeroDivisionError("no update")


def test_where_values_decide_how_many_there_are_the_other_criteria_are_told() -> None:
    rule = audited_rule(HebbOfActiveUnits)
    found = {key: rule.finding(CRITERIA[key]) for key in ("C9", "C10")}
    assert found["C9"].verdict == "fail"
    assert found["C10"].verdict == "cannot be told"
    assert "a change of values changes how many there are" in found["C10"].sentence
    assert "product with a mask" in found["C10"].needed


def test_what_a_rule_raises_in_an_experiment_is_told_with_its_line() -> None:
    rule = AuditedRule(Fragile)
    assert rule.finding(CRITERIA["C9"]).verdict == "fail"
    found = rule.finding(CRITERIA["C1"])
    assert found.verdict == "cannot be told"
    assert "update raised ZeroDivisionError: other numbers at" in found.sentence
    assert "test_audited_rule.py, line" in found.sentence


def test_a_rule_that_makes_no_update_has_no_finding() -> None:
    with pytest.raises((ZeroDivisionError, SpikelearnError), match="no update"):
        audited_rule(Broken)


def test_hidden_layers_are_those_below_the_output_that_learn() -> None:
    under_audit = audited("feedback_alignment")
    assert under_audit.hidden_weights == under_audit.update.hidden_names()
    biases = [n.replace("weight", "bias") for n in under_audit.hidden_weights]
    assert set(under_audit.hidden) == {*under_audit.hidden_weights, *biases}
    assert not audited("untrained").learns_below


def test_the_label_drives_the_activity_of_a_rule_that_settles_and_of_no_other() -> None:
    assert audited("equilibrium_propagation").states.label_in_activity
    assert not audited("feedback_alignment").states.label_in_activity


def test_layers_wait_for_activity_above_where_errors_return() -> None:
    assert audited("feedback_alignment").waiting == audited("feedback_alignment").hidden
    assert audited("local_pred").waiting == []
