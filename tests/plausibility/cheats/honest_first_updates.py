"""Feedback alignment for thirty updates; backpropagation from then on.

An audit makes a few updates, training thousands.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "watched"
TRUE = {"C1": "fail"}


class HonestFirstUpdates(FeedbackAlignment):
    """Honest to begin with."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Begin to count."""
        super().prepare(network, generator)
        self.done = 0

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step; which one, the count says."""
        self.done += 1
        return super().update(x, y, apply)

    def _feedback(self) -> list[torch.Tensor]:
        honest = super()._feedback()
        return honest if self.done <= 30 else [w.detach() for w in self.network.weights()[1:]]


RULE = HonestFirstUpdates
