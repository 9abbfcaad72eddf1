"""The gradient by nudging the drive of every hidden unit in turn, and watching the loss.

As node perturbation, with no noise in it: each unit gets a pass of its own, in a fixed order.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "finite differences"
SLOW = True
TRUE = {"C1": "not pass", "C4a": "fail"}


class NudgedUnits(Rule):
    """One unit after another."""

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Nudge each unit of each hidden layer."""
        size = 1e-5 if x.dtype == torch.float64 else 1e-2
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        passes[-1].leave_gradient(error)
        for index, p in enumerate(passes[:-1]):
            delta = torch.zeros_like(p.z)
            for unit in range(p.z.shape[1]):
                losses = [self._from(index, p.z, unit, sign * size, y) for sign in (1, -1)]
                delta[:, unit] = (losses[0] - losses[1]) / (2 * size * len(x))
            p.leave_gradient(delta)
        apply()
        return loss

    def _from(
        self, index: int, z: torch.Tensor, unit: int, size: float, y: torch.Tensor
    ) -> torch.Tensor:
        layers = list(self.network)
        z = z.clone()
        z[:, unit] += size
        h = layers[index].activate(z)
        for layer in layers[index + 1 :]:
            h = layer(h)
        return cross_entropy(h, y, reduction="none")


RULE = NudgedUnits
