"""Hebb's rule for the first batch; from the second on, the gradient of the batch before.

What an update is taught by was given to the rule one update earlier, and the labels of the present
batch make no difference to its hidden layers.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "remembered batches"
TRUE = {key: "fail" for key in ("C1", "C3", "C4b", "C4c", "C9")}


class PreviousBatch(Rule):
    """Backpropagation, one batch late."""

    last: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Learn the batch before this one."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        for p in passes[:-1]:
            p.leave_gradient(-p.h / len(x))
        passes[-1].leave_gradient(error)
        if self.last is not None:
            hidden = [p for layer in list(self.network)[:-1] for p in layer.parameters()]
            earlier = output_loss(self.loss, self.network(self.last[0]), self.last[1])[0]
            for p, g in zip(hidden, torch.autograd.grad(earlier, hidden), strict=True):
                p.grad = g
        self.last = (x.clone(), y.clone())
        apply()
        return loss.detach()


RULE = PreviousBatch
