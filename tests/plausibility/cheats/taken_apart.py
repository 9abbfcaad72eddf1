"""Feedback alignment that puts the weights together again from their singular vectors.

What is sent back are three matrices, none of which is a weight.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "other ways to the weights"
TRUE = {"C1": "fail"}


class TakenApart(FeedbackAlignment):
    """Takes apart and puts together."""

    @torch.no_grad()
    def _feedback(self) -> list[torch.Tensor]:
        parts = [torch.linalg.svd(w, full_matrices=False) for w in self.network.weights()[1:]]
        return [(u * s) @ v for u, s, v in parts]


RULE = TakenApart
