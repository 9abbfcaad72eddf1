"""Feedback alignment for the weights, backpropagation for the biases.

An audit that reads the updates of weight matrices never looks at a bias.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import output_loss

KIND = "biases"
TRUE = {"C1": "fail"}


class ExactBiases(FeedbackAlignment):
    """Two rules in one."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Feedback alignment, with the gradient at the biases."""

        def with_biases() -> None:
            biases = [layer.bias for layer in self.network]
            exact = torch.autograd.grad(output_loss(self.loss, self.network(x), y)[0], biases)
            for bias, gradient in zip(biases, exact, strict=True):
                bias.grad = gradient
            apply()

        return super().update(x, y, with_biases)


RULE = ExactBiases
