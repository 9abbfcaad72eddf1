"""Backpropagation whose transposed product is written as a broadcast product and a sum.

An audit that watches matrix products for a transposed weight sees none.
"""

from __future__ import annotations

import itertools

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import LayerPass

KIND = "copied weights"
TRUE = {"C1": "fail"}


class SpeltOut(FeedbackAlignment):
    """Element by element."""

    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        deltas = [passes[-1].through_activation(error)]
        passes[-1].leave_gradient(deltas[0])
        for below, above in reversed(list(itertools.pairwise(passes))):
            sent = (deltas[-1].unsqueeze(2) * above.layer.weight.unsqueeze(0)).sum(1)
            deltas.append(below.through_activation(sent))
            below.leave_gradient(deltas[-1])
        return deltas[::-1]


RULE = SpeltOut
