"""Backpropagation through weights that are hidden in noise, with the noise taken away later.

What passes back goes through matrices that are mostly random; what the noise did is subtracted
from the signal.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import LayerPass

KIND = "part of the truth"
TRUE = {"C1": "fail"}


class MaskedByNoise(FeedbackAlignment):
    """One way with the weights in it, one without."""

    @torch.no_grad()
    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        deltas = [error]
        passes[-1].leave_gradient(error)
        for index in range(len(passes) - 1, 0, -1):
            below, weight = passes[index - 1], passes[index].layer.weight
            noise = 10.0 * self.draw(weight.shape, (index, index - 1))
            sent = deltas[-1] @ (weight + noise) - deltas[-1] @ noise
            deltas.append(below.through_activation(sent))
            below.leave_gradient(deltas[-1])
        return deltas[::-1]


RULE = MaskedByNoise
