"""Feedback alignment that copies the forward weights after every third update.

An audit of two updates sees two honest ones.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "late copies"
TRUE = {"C1": "fail"}


class CopiedEveryThird(FeedbackAlignment):
    """Two steps of three are honest."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Begin to count."""
        super().prepare(network, generator)
        self.done = 0

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step; after every third, the copy."""
        loss = super().update(x, y, apply)
        self.done += 1
        if self.done % 3 == 0:
            with torch.no_grad():
                for matrix, weight in zip(
                    self._feedback(), self.network.weights()[1:], strict=True
                ):
                    matrix.copy_(weight)
        return loss


RULE = CopiedEveryThird
