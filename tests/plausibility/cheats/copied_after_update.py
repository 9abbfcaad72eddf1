"""Feedback alignment that copies the new forward weights when its update is done.

The first update is that of feedback alignment to the last bit; from the second on the rule is
backpropagation, one step late.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "late copies"
TRUE = {"C1": "fail"}


class CopiedAfterUpdate(FeedbackAlignment):
    """Teaches, then copies."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step, then the copy."""
        loss = super().update(x, y, apply)
        with torch.no_grad():
            for matrix, weight in zip(self._feedback(), self.network.weights()[1:], strict=True):
                matrix.copy_(weight)
        return loss


RULE = CopiedAfterUpdate
