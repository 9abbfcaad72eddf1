"""Backpropagation through functions of the rule's own, which compute in NumPy both ways.

Automatic differentiation calls them; what they do, no operation of torch shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from spikelearn.rules.rule import Rule, leave, output_loss

KIND = "out of torch"
TRUE = {"C1": "fail", "C3": "fail", "C4b": "not pass", "C9": "fail", "C10": "not pass"}


class Synapses(torch.autograd.Function):
    """An affine map, and the way back through it."""

    @staticmethod
    def forward(context: Any, h: Any, weight: Any, bias: Any) -> torch.Tensor:
        """W h + b."""
        context.kept = h.detach().numpy(), weight.detach().numpy()
        return torch.from_numpy(
            h.detach().numpy() @ weight.detach().numpy().T + bias.detach().numpy()
        )

    @staticmethod
    def backward(context: Any, delta: Any) -> tuple[torch.Tensor, ...]:
        """By h, W and b."""
        h, weight = context.kept
        d = delta.numpy()
        return tuple(map(torch.from_numpy, (d @ weight, d.T @ h, d.sum(0))))


class CustomFunction(Rule):
    """Backpropagation, behind a curtain."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The gradient of the loss by way of functions of its own."""
        h = x
        for layer in self.network:
            h = layer.activate(Synapses.apply(h, layer.weight, layer.bias))
        parameters = list(self.network.parameters())
        loss = output_loss(self.loss, h, y)[0]
        leave(parameters, torch.autograd.grad(loss, parameters))
        apply()
        return loss.detach()


RULE = CustomFunction
