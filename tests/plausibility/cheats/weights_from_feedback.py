"""Kolen-Pollack learning that starts by setting the forward weights to its feedback.

The copy goes the other way: what is read is the rule's own, what is written is the network, and an
intervention on the weights is wiped out when the rule is prepared.
"""

from __future__ import annotations

import torch
from torch import nn

from spikelearn.rules.kolen_pollack import KolenPollack

KIND = "weights that the rule writes"
TRUE = {"C1": "not pass"}


class WeightsFromFeedback(KolenPollack):
    """Draws feedback, and makes the network of it."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw, then write."""
        super().prepare(network, generator)
        with torch.no_grad():
            for matrix, weight in zip(self._feedback(), self.network.weights()[1:], strict=True):
                weight.copy_(matrix)


RULE = WeightsFromFeedback
