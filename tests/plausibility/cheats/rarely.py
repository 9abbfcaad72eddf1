"""Feedback alignment that in one update of forty, drawn by lot, is backpropagation.

The lot is the rule's own and the same in every run, so that runs can be repeated.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "watched"
SLOW = True
TRUE = {"C1": "fail"}


class Rarely(FeedbackAlignment):
    """Waits for its chance."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Shuffle the lots."""
        super().prepare(network, generator)
        self.lots = random.Random(5)  # noqa: S311 - no secret
        self.now = False

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step; which one, the lot says."""
        self.now = self.lots.random() < 1 / 40
        return super().update(x, y, apply)

    def _feedback(self) -> list[torch.Tensor]:
        honest = super()._feedback()
        return [w.detach() for w in self.network.weights()[1:]] if self.now else honest


RULE = Rarely
