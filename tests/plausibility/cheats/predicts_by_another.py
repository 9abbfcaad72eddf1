"""Feedback alignment on the network, whose answers come from a twin taught by backpropagation.

The network that is looked at learns honestly; nothing depends on it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import output_loss

KIND = "taught by another network"
TRUE = {"C1": "not pass"}


class PredictsByAnother(FeedbackAlignment):
    """Sends somebody else to the examination."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Make the twin."""
        super().prepare(network, generator)
        self.extra["twin"] = copy.deepcopy(network)

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """An honest step, and the twin's."""
        twin = self.extra["twin"]
        loss = output_loss(self.loss, twin(x), y)[0]
        parameters = list(twin.parameters())
        for parameter, gradient in zip(
            parameters, torch.autograd.grad(loss, parameters), strict=True
        ):
            parameter.grad = gradient
        return super().update(x, y, apply)

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """The twin's scores."""
        return self.extra["twin"](x)


RULE = PredictsByAnother
