"""Feedback alignment that copies the forward weights before it sends the error back.

An audit that reads what the rule declares, or looks at the matrices it was prepared with, sees
fixed random feedback.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "copied weights"
TRUE = {"C1": "fail"}


class CopiedInUpdate(FeedbackAlignment):
    """Copies, then teaches."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Copy the weights, then one step of feedback alignment."""
        with torch.no_grad():
            for matrix, weight in zip(self._feedback(), self.network.weights()[1:], strict=True):
                matrix.copy_(weight)
        return super().update(x, y, apply)


RULE = CopiedInUpdate
