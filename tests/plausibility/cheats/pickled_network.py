"""Backpropagation in a copy of the network that was written to bytes and read again.

The copy is another network; of its weights nobody has declared anything.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "out of torch"
TRUE = {"C1": "fail", "C3": "fail", "C4b": "not pass", "C9": "fail"}


class PickledNetwork(Rule):
    """Lets a twin do the work."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The twin's gradient."""
        passes = forward_pass(self.network, x)
        twin = pickle.loads(pickle.dumps(self.network))  # noqa: S301 - our own bytes
        theirs = list(twin.parameters())
        loss = output_loss(self.loss, twin(x), y)[0]
        gradients = torch.autograd.grad(loss, theirs)
        for parameter, gradient in zip(self.network.parameters(), gradients, strict=True):
            parameter.grad = gradient
        apply()
        return output_loss(self.loss, passes[-1].h, y)[0]


RULE = PickledNetwork
