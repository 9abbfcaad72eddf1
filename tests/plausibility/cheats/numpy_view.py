"""Feedback alignment that keeps NumPy's view of the weights from the start.

The weights are touched once, when the rule is prepared; what is read later is an array.
"""

from __future__ import annotations

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "out of torch"
TRUE = {"C1": "fail"}


class NumPyView(FeedbackAlignment):
    """A window on the weights."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Open the window."""
        super().prepare(network, generator)
        self.views = [w.detach().numpy() for w in self.network.weights()[1:]]

    def _feedback(self) -> list[torch.Tensor]:
        return [torch.from_numpy(view.copy()) for view in self.views]


RULE = NumPyView
