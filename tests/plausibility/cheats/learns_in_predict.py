"""Feedback alignment that makes steps of backpropagation when it is asked for its scores.

Between epochs a rule is asked how good it has become; that is when it becomes so.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import output_loss

KIND = "weights that the rule writes"
TRUE = {"C1": "fail"}


class LearnsInPredict(FeedbackAlignment):
    """Learns in the examination."""

    last: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """An honest step, whose batch is kept."""
        self.last = (x.clone(), y.clone())
        return super().update(x, y, apply)

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Descend the loss of the last batch, then answer."""
        if self.last is not None:
            weights = self.network.weights()
            loss = output_loss(self.loss, self.network(self.last[0]), self.last[1])[0]
            for weight, g in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                weight.data.sub_(0.1 * g)
        return super().predict(x)


RULE = LearnsInPredict
