"""The gradient by nudging every weight in turn, and watching the loss.

There is no backward pass, no derivative and one number for all synapses; but the network is put
into as many states as it has weights, in each of which the whole batch has to be seen again.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, output_loss

KIND = "finite differences"
TRUE = {"C1": "not pass", "C3": "not pass", "C4a": "fail", "C4c": "not pass"}
SLOW = True


class FiniteDifferences(Rule):
    """One weight after another."""

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Nudge up, nudge down, put back."""
        size = 1e-4 if x.dtype == torch.float64 else 1e-2
        for layer in self.network:
            for parameter in (layer.weight, layer.bias):
                gradient = torch.zeros_like(parameter)
                flat, known = parameter.view(-1), gradient.view(-1)
                for i in range(len(flat)):
                    flat[i] += size
                    up = output_loss(self.loss, self.network(x), y)[0]
                    flat[i] -= 2 * size
                    down = output_loss(self.loss, self.network(x), y)[0]
                    flat[i] += size
                    known[i] = (up - down) / (2 * size)
                parameter.grad = gradient
        loss = output_loss(self.loss, self.network(x), y)[0]
        apply()
        return loss


RULE = FiniteDifferences
