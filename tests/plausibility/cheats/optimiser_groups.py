"""Feedback alignment that finds the weights in an optimiser of its own.

The optimiser never makes a step; it is a list of parameters that nobody looks into.
"""

from __future__ import annotations

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "other ways to the weights"
TRUE = {"C1": "fail"}


class OptimiserGroups(FeedbackAlignment):
    """Asks the optimiser."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Make the optimiser."""
        super().prepare(network, generator)
        self.optimizer = torch.optim.SGD(network.parameters(), lr=0.0)

    def _feedback(self) -> list[torch.Tensor]:
        held = self.optimizer.param_groups[0]["params"]
        return [p.detach().mul(1.0) for p in held if p.ndim > 1][1:]


RULE = OptimiserGroups
