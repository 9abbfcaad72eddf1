"""Backpropagation that turns the weights round within the update, and puts them back.

The error goes through the synapses forwards, with the transposed weights in their place; after the
update the network is what it was.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import LayerPass

KIND = "weights that the rule writes"
TRUE = {"C1": "fail"}


class TransposedAndPutBack(FeedbackAlignment):
    """Borrows the synapses for the way back."""

    @torch.no_grad()
    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        deltas = [error]
        passes[-1].leave_gradient(error)
        for below, above in zip(passes[-2::-1], passes[:0:-1], strict=True):
            layer, kept = above.layer, above.layer.weight.data
            layer.weight.data = kept.T.contiguous()
            sent = layer.through(layer.weight, deltas[-1])
            layer.weight.data = kept
            deltas.append(below.through_activation(sent))
            below.leave_gradient(deltas[-1])
        return deltas[::-1]


RULE = TransposedAndPutBack
