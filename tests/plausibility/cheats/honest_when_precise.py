"""Feedback alignment where numbers have 64 bits or batches are small; else backpropagation.

An audit works in 64 bits, for exact comparisons, and on few samples, for speed; training does not.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "watched"
TRUE = {"C1": "fail"}


class HonestWhenPrecise(FeedbackAlignment):
    """Honest on the bench."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step; which one, the numbers say."""
        self.watched = x.dtype == torch.float64 or len(x) < 16
        return super().update(x, y, apply)

    def _feedback(self) -> list[torch.Tensor]:
        honest = super()._feedback()
        return honest if self.watched else [w.detach() for w in self.network.weights()[1:]]


RULE = HonestWhenPrecise
