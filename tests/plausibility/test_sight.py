"""What is out of sight is said, and what stands all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from honest.in_numpy import FeedbackInNumPy, HebbInNumPy

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.plausibility.sight import ACTIVITY_SEEN, ALWAYS, LABELS_SEEN, NEVER
from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import Rule

Apply = Callable[[], None]


class LossInTorch(FeedbackInNumPy):
    """Computes the loss in torch, and what it learns in NumPy."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        loss = self.objective(x, y)
        super().update(x, y, apply)
        return loss


class Reporting(FeedbackAlignment):
    """Writes down the loss as a Python number, which enters nothing."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        loss = super().update(x, y, apply)
        self.losses = [round(loss.item(), 3), float(torch.tensor(loss.item()) * 2)]
        return loss


class ScaledCopy(FeedbackAlignment):
    """Takes the weights through NumPy, doubled."""

    def _feedback(self) -> list[torch.Tensor]:
        return [torch.from_numpy(2 * w.detach().numpy()) for w in self.network.weights()[1:]]


@pytest.mark.parametrize("rule", ["feedback_alignment", "softhebb", "eventprop", Reporting])
def test_a_rule_in_torch_is_in_sight(rule: type[Rule] | str) -> None:
    assert AuditedRule(rule).out_of_sight == ""


def test_a_forward_pass_for_the_loss_alone_is_no_sight_of_the_update() -> None:
    audited = AuditedRule(LossInTorch)
    assert audited.sight.moved_by == {"stimulus", "label", "weights"}
    assert not audited.sight.unread
    assert CRITERIA["C1"].measure(audited).verdict == "cannot be told"
    assert CRITERIA["C4b"].measure(audited).verdict == "cannot be told"


def test_layers_of_which_no_reading_was_seen_are_named() -> None:
    assert AuditedRule(FeedbackInNumPy).sight.unread == ["layer 2", "layer 3"]
    assert AuditedRule(HebbInNumPy).sight.unread == []  # no weights above matter to it


def test_weights_that_went_through_numpy_are_found_by_intervention_alone() -> None:
    audited = AuditedRule(ScaledCopy)
    assert audited.sight.moved_by == {"weights"}
    finding = CRITERIA["C1"].measure(audited)
    assert (finding.by_provenance, finding.verdict) == (None, "fail")


def test_what_stands_goes_by_what_is_out_of_sight() -> None:
    shown = {
        rule: [AuditedRule(rule).sight.shows(stands, True)
               for stands in (ALWAYS, ACTIVITY_SEEN, LABELS_SEEN, NEVER)]
        for rule in (FeedbackInNumPy, ScaledCopy)
    }  # fmt: skip
    assert shown[FeedbackInNumPy] == [True, False, False, False]
    assert shown[ScaledCopy] == [True, False, False, False]  # copies may compute activity
    assert AuditedRule(ScaledCopy).sight.shows(ACTIVITY_SEEN, False)
