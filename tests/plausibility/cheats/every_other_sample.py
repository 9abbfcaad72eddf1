"""Feedback alignment for every other sample of a batch, backpropagation for the rest.

A batch of one is honest.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import LayerPass

KIND = "part of the truth"
TRUE = {"C1": "fail"}


class EveryOtherSample(FeedbackAlignment):
    """Cheats half of the time."""

    @torch.no_grad()
    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        deltas = [error]
        passes[-1].leave_gradient(error)
        odd = (torch.arange(len(error)) % 2 == 1)[:, None]
        feedback = self._feedback()
        for index in range(len(passes) - 1, 0, -1):
            honest = deltas[-1] @ feedback[index - 1]
            exact = deltas[-1] @ passes[index].layer.weight
            sent = torch.where(odd, exact, honest)
            deltas.append(passes[index - 1].through_activation(sent))
            passes[index - 1].leave_gradient(deltas[-1])
        return deltas[::-1]


RULE = EveryOtherSample
