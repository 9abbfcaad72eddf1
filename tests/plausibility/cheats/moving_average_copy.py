"""Feedback alignment whose matrices drift a tenth of the way to the forward weights each update.

There is never an equal copy, and the first update is honest.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "late copies"
TRUE = {"C1": "fail"}


class MovingAverageCopy(FeedbackAlignment):
    """A slow copy."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step, then a tenth of the way."""
        loss = super().update(x, y, apply)
        with torch.no_grad():
            for matrix, weight in zip(self._feedback(), self.network.weights()[1:], strict=True):
                matrix.lerp_(weight, 0.1)
        return loss


RULE = MovingAverageCopy
