"""Feedback alignment in all layers but one, which is taught through the weights above it.

Most of the network is honest.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "part of the truth"
TRUE = {"C1": "fail"}


class OneLayer(FeedbackAlignment):
    """Cheats in one place."""

    def _feedback(self) -> list[torch.Tensor]:
        return [self.network.weights()[1].detach(), *super()._feedback()[1:]]


RULE = OneLayer
