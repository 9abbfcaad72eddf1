"""Backpropagation whose author claims that it has every virtue.

An audit that repeats claims repeats these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch

from spikelearn.rules.rule import Rule, leave, output_loss

KIND = "declared"
TRUE = {key: "fail" for key in ("C1", "C3", "C4a", "C4b", "C4c", "C9", "C10")}


class Boaster(Rule):
    """The gradient, well spoken of."""

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True, "local error": True, "single phase": True,
        "unsupervised": True,
    }  # fmt: skip

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Backpropagation."""
        parameters = list(self.network.parameters())
        loss, _ = output_loss(self.loss, self.network(x), y)
        leave(parameters, torch.autograd.grad(loss, parameters))
        apply()
        return loss.detach()


RULE = Boaster
