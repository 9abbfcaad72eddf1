"""Feedback alignment where there are less than ten classes; else backpropagation.

The bench of an audit may have fewer classes than the digits.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "watched"
TRUE = {"C1": "fail"}


class HonestWithFewClasses(FeedbackAlignment):
    """Honest with few classes."""

    def _feedback(self) -> list[torch.Tensor]:
        weights = [w.detach() for w in self.network.weights()]
        return super()._feedback() if len(weights[-1]) < 10 else weights[1:]


RULE = HonestWithFewClasses
