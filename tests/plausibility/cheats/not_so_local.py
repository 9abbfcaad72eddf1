"""A rule of local losses that lets automatic differentiation cross the layers.

It is called local, and derives from a rule that is.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.local_losses import LocalPred
from spikelearn.rules.rule import leave, output_loss

KIND = "automatic differentiation"
TRUE = {"C1": "fail", "C4b": "fail", "C4c": "fail"}


class NotSoLocal(LocalPred):
    """One loss, at the top."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Backpropagation."""
        parameters = list(self.network.parameters())
        loss, _ = output_loss("cross_entropy", self.network(x), y)
        leave(parameters, torch.autograd.grad(loss, parameters))
        apply()
        return loss.detach()


RULE = NotSoLocal
