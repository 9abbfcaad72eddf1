"""A rule that climbs its loss: it ends below chance, with every handicap as without.

Accuracies under a handicap are as good as those without one, where both are nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, leave, output_loss

KIND = "learned nothing"
TRUE = {key: "not pass" for key in ("C6", "C11", "C12", "C13")}


class LossClimber(Rule):
    """The gradient, upwards."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the negative gradient."""
        parameters = list(self.network.parameters())
        loss, _ = output_loss(self.loss, self.network(x), y)
        leave(parameters, [-g for g in torch.autograd.grad(loss, parameters)])
        apply()
        return loss.detach()


RULE = LossClimber
