"""Feedback alignment that keeps its batches, and backpropagates them when a new epoch begins.

No update shows it: it happens where none is made.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import output_loss

KIND = "weights that the rule writes"
TRUE = {"C1": "fail"}


class LearnsBetweenEpochs(FeedbackAlignment):
    """Learns while nobody looks."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Nothing is kept yet."""
        super().prepare(network, generator)
        self.seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def begin_epoch(self, epoch: int, n_epochs: int) -> None:
        """Descend the loss of what was kept."""
        weights = self.network.weights()
        for x, y in self.seen:
            exact = torch.autograd.grad(output_loss(self.loss, self.network(x), y)[0], weights)
            with torch.no_grad():
                for weight, gradient in zip(weights, exact, strict=True):
                    weight.sub_(0.1 * gradient)
        self.seen = []

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """An honest step, whose batch is kept."""
        self.seen.append((x.clone(), y.clone()))
        return super().update(x, y, apply)


RULE = LearnsBetweenEpochs
