"""Half backpropagation, under noise of the rule's own that nobody can draw again.

An effect counts where it stands above what repeating an update changes; here that is a lot.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import LayerPass

KIND = "hidden in numbers"
TRUE = {"C1": "not pass"}


class OwnNoise(FeedbackAlignment):
    """Raises the floor."""

    def _feedback(self) -> list[torch.Tensor]:
        return [
            0.5 * (matrix + weight.detach())
            for matrix, weight in zip(super()._feedback(), self.network.weights()[1:], strict=True)
        ]

    @torch.no_grad()
    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        deltas = super()._leave(passes, error)
        for p in passes[:-1]:
            grad = p.layer.weight.grad
            assert grad is not None
            grad += 3.0 * grad.std() * torch.randn_like(grad)
        return deltas


RULE = OwnNoise
