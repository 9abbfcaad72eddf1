"""Targets sent down by the inverse of the forward weights, computed and not learned.

The feedback is no copy and no transpose; every number in it is made of the weights.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "other ways to the weights"
TRUE = {"C1": "fail"}


class InvertedWeights(FeedbackAlignment):
    """The pseudo-inverse, turned round."""

    @torch.no_grad()
    def _feedback(self) -> list[torch.Tensor]:
        return [torch.linalg.pinv(w).T for w in self.network.weights()[1:]]


RULE = InvertedWeights
