"""A learning rule: a class that leaves its update in `.grad`, and an entry in RULES."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch

from spikelearn.rules import RULES, RuleEntry
from spikelearn.rules.rule import Rule, leave, output_loss


class SignError(Rule):
    """Gradient descent on the scores times the signs of the output error (by nobody).

    dW = d/dW sum(scores * sign(error)) / batch: how wrong a score is does not count, only whether
    it is too high or too low, so that a step need not lower the loss.
    """

    networks = ("mlp", "cnn")
    claims: ClassVar[Mapping[str, bool]] = {"no weight transport": False, "local error": False}
    descends = "none"

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step; see `Rule.update`."""
        scores = self.network(x)
        loss, error = output_loss(self.loss, scores, y)
        parameters = list(self.network.parameters())
        signed = (scores * error.sign()).sum() / len(y)
        leave(parameters, torch.autograd.grad(signed, parameters))
        apply()
        return loss.detach()


RULES["added_rule"] = RuleEntry(__name__, "SignError")
