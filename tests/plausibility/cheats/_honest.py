"""Honest rules beside the cheats: the same code without the cheat."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import nn

from spikelearn.rules.hebbian import Hebbian
from spikelearn.rules.rule import Rule, forward_pass, output_loss


class PlainHebb(Hebbian):
    """Hebb's rule with nothing else: pre times post."""

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product."""
        return u.T @ x.flatten(1) / len(x)


class HonestFeedbackAlignment(Rule):
    """Feedback alignment by hand: nothing of the toolkit's but the contract."""

    claims: ClassVar[dict[str, bool]] = {"no weight transport": True, "single phase": False}

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the feedback."""
        super().prepare(network, generator)
        self.extra["back"] = nn.ParameterList(
            nn.Parameter(torch.randn(w.shape, generator=generator), requires_grad=False)
            for w in self.network.weights()[1:]
        )

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step."""
        passes = forward_pass(self.network, x)
        loss, delta = output_loss(self.loss, passes[-1].h, y)
        back = list(self.extra["back"].parameters())
        for index in range(len(passes) - 1, -1, -1):
            p = passes[index]
            p.layer.weight.grad = torch.einsum("bi,bj->ij", delta, p.below)
            p.layer.bias.grad = delta.sum(0)
            if index:
                below = passes[index - 1]
                delta = torch.einsum("bi,ij->bj", delta, back[index - 1]) * (1 - below.h**2)
        apply()
        return loss.detach()
