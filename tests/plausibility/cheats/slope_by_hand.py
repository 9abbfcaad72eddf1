"""Feedback alignment whose slopes are written out, one minus the square of the activity.

An audit that changes the toolkit's slopes changes none of these.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import LayerPass

KIND = "derivatives"
TRUE = {"C10": "not pass"}


class SlopeByHand(FeedbackAlignment):
    """Knows what a tanh is; of networks of tanh."""

    @torch.no_grad()
    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        deltas = [error]
        passes[-1].leave_gradient(error)
        for index, matrix in reversed(list(enumerate(self._feedback()))):
            below = passes[index]
            deltas.append((deltas[-1] @ matrix) * (1.0 - below.h * below.h))
            below.leave_gradient(deltas[-1])
        return deltas[::-1]


RULE = SlopeByHand
