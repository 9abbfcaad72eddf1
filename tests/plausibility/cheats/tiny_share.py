"""Feedback alignment with a millionth of the true gradient in it.

The cosine with backpropagation is that of feedback alignment, and so is what it learns.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "part of the truth"
TRUE = {"C1": "fail"}


class TinyShare(FeedbackAlignment):
    """A drop of it."""

    def _feedback(self) -> list[torch.Tensor]:
        return [
            matrix + 1e-6 * weight.detach()
            for matrix, weight in zip(super()._feedback(), self.network.weights()[1:], strict=True)
        ]


RULE = TinyShare
