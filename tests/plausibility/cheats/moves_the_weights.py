"""Feedback alignment in `.grad`, and a step of backpropagation past the optimiser.

An audit that reads what was left in `.grad` reads the honest part.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import output_loss

KIND = "weights that the rule writes"
TRUE = {"C1": "fail"}


class MovesTheWeights(FeedbackAlignment):
    """Moves the weights itself."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The honest step, and the other."""
        weights = self.network.weights()
        exact = torch.autograd.grad(output_loss(self.loss, self.network(x), y)[0], weights)
        loss = super().update(x, y, apply)
        with torch.no_grad():
            for weight, gradient in zip(weights, exact, strict=True):
                weight.sub_(0.1 * gradient)
        return loss


RULE = MovesTheWeights
