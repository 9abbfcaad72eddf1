"""Feedback alignment whose matrices lie in the memory of the forward weights.

Nothing is ever copied: whatever moves the forward weights moves the feedback.
"""

from __future__ import annotations

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment, fixed

KIND = "copied weights"
TRUE = {"C1": "fail"}


class SharedStorage(FeedbackAlignment):
    """Two names for one memory."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Name the memory of the weights a second time."""
        super().prepare(network, generator)
        self.extra["feedback"] = fixed([w.data for w in self.network.weights()[1:]])


RULE = SharedStorage
