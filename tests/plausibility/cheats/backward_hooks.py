"""Backpropagation whose signals are overheard by hooks, its gradients thrown away.

No gradient of a weight is ever used: each layer multiplies its own input with a signal that
happened to pass.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "automatic differentiation"
TRUE = {"C1": "fail", "C3": "fail", "C4b": "fail"}


class BackwardHooks(Rule):
    """Listens in on the way back."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Products of activity with what was overheard."""
        passes = forward_pass(self.network, x)
        heard: dict[int, torch.Tensor] = {}
        h = x
        for index, layer in enumerate(self.network):
            z = layer.drive(h)
            z.register_hook(lambda signal, index=index: heard.setdefault(index, signal.clone()))
            h = layer.activate(z)
        loss = output_loss(self.loss, h, y)[0]
        loss.backward()
        for parameter in self.network.parameters():
            parameter.grad = None
        for index, p in enumerate(passes):
            p.leave_gradient(heard[index])
        apply()
        return loss.detach()


RULE = BackwardHooks
