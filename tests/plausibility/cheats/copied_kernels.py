"""Feedback alignment of a convolutional network that copies its kernels when its update is done.

It trains convolutional networks alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "late copies"
TRUE = {"C1": "fail"}


class CopiedKernels(FeedbackAlignment):
    """Teaches, then copies."""

    networks: ClassVar[tuple[str, ...]] = ("cnn",)

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step, then the copies."""
        loss = super().update(x, y, apply)
        with torch.no_grad():
            for matrix, weight in zip(self._feedback(), self.network.weights()[1:], strict=True):
                matrix.copy_(weight)
        return loss


RULE = CopiedKernels
