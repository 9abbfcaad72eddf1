"""Backpropagation of updates so small that their squares are nothing.

The size of an effect is a sum of squares. Optimisers that scale their steps do not mind.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, leave, output_loss

KIND = "hidden in numbers"
TRUE = {"C1": "fail", "C9": "fail"}


class Underflow(Rule):
    """Whispers."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The gradient, very small."""
        parameters = list(self.network.parameters())
        loss, _ = output_loss(self.loss, self.network(x), y)
        size = 1e-170 if x.dtype == torch.float64 else 1e-25
        leave(parameters, [size * g for g in torch.autograd.grad(loss, parameters)])
        apply()
        return loss.detach()


RULE = Underflow
