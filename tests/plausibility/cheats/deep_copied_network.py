"""Backpropagation in a deep copy of the network.

The copy is another network, made anew for every update; the network itself only runs forwards.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "other ways to the weights"
TRUE = {"C1": "fail", "C3": "fail", "C9": "fail"}


class DeepCopiedNetwork(Rule):
    """Lets a twin do the work."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The twin's gradient."""
        passes = forward_pass(self.network, x)
        twin = copy.deepcopy(self.network)
        loss = output_loss(self.loss, twin(x), y)[0]
        gradients = torch.autograd.grad(loss, list(twin.parameters()))
        for parameter, gradient in zip(self.network.parameters(), gradients, strict=True):
            parameter.grad = gradient
        apply()
        return output_loss(self.loss, passes[-1].h, y)[0]


RULE = DeepCopiedNetwork
