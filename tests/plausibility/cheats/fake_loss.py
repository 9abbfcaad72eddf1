"""Backpropagation by a made-up loss whose gradient nobody would call one of learning.

The network is a black box between its own hidden activity and its scores, asked how scores times
error would move.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.rule import Rule, forward_pass, output_loss

KIND = "automatic differentiation"
TRUE = {"C1": "fail", "C3": "fail", "C4b": "fail"}


class FakeLoss(Rule):
    """Asks for a derivative by activity, not by weights."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Products of activity with what the black box answers."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        passes[-1].leave_gradient(error)
        layers = list(self.network)
        for index, p in enumerate(passes[:-1]):
            z = p.z.detach().requires_grad_()
            h = layers[index].activate(z)
            for layer in layers[index + 1 :]:
                h = layer(h)
            p.leave_gradient(torch.autograd.grad((h * error).sum(), z)[0])
        apply()
        return loss


RULE = FakeLoss
