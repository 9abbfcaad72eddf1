"""Rules whose updates automatic differentiation computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from honest._base import FEEDBACK, RandomFeedback
from spikelearn.rules.rule import leave, output_loss

Apply = Callable[[], None]


class OtherWayBack(torch.autograd.Function):
    """Synapses that send errors back by a matrix of their own; written in torch."""

    @staticmethod
    def forward(context: Any, h: Any, weight: Any, bias: Any, back: Any) -> torch.Tensor:
        """W h + b."""
        context.save_for_backward(h, back)
        return torch.nn.functional.linear(h, weight, bias)

    @staticmethod
    def backward(context: Any, delta: Any) -> tuple[torch.Tensor | None, ...]:
        """By h through the other matrix; by W and b."""
        h, back = context.saved_tensors
        return delta @ back, delta.T @ h, delta.sum(0), None


class ByFunction(RandomFeedback):
    """Feedback alignment as a function of automatic differentiation's."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        """The gradient as it comes back by the other matrices."""
        h = x
        for index, layer in enumerate(self.network):
            back = self.back()[index - 1] if index else torch.zeros_like(layer.weight)
            h = layer.activate(self.synapses(layer, h, back))
        parameters = list(self.network.parameters())
        loss = output_loss(self.loss, h, y)[0]
        leave(parameters, torch.autograd.grad(loss, parameters))
        apply()
        return loss.detach()

    def synapses(self, layer: Any, h: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
        """Drive of a layer."""
        return OtherWayBack.apply(h, layer.weight, layer.bias, back)  # type: ignore[no-any-return]


class WithDropout(ByFunction):
    """The same with a share of hidden activity left out, by noise that the rule draws."""

    def synapses(self, layer: Any, h: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
        """Drive of a layer by part of what comes in from below it."""
        if layer is self.network.layers[0]:
            return super().synapses(layer, h, back)
        kept = self.draw(h.shape, ("batch", None), "uniform") < 0.8
        return super().synapses(layer, h * kept / 0.8, back)


class WithBatchNorm(ByFunction):
    """The same with drives that the batch normalises: a sample's update needs the others."""

    batch_coupled = True

    def synapses(self, layer: Any, h: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
        """Normalised drive of a layer."""
        return nn.functional.batch_norm(super().synapses(layer, h, back), None, None, training=True)


RULES = [
    (ByFunction, FEEDBACK),
    (WithDropout, FEEDBACK),
    (WithBatchNorm, FEEDBACK | {"C2": False}),
]
