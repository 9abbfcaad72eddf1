"""Kolen-Pollack learning that writes its feedback over the forward weights before every update.

Whoever changes the forward weights finds the change gone when the update begins.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.kolen_pollack import KolenPollack

KIND = "weights that the rule writes"
TRUE = {"C1": "not pass"}


class WeightsFollowFeedback(KolenPollack):
    """The network is the copy."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Overwrite the weights, then one step."""
        with torch.no_grad():
            for matrix, weight in zip(self._feedback(), self.network.weights()[1:], strict=True):
                weight.copy_(matrix)
        return super().update(x, y, apply)


RULE = WeightsFollowFeedback
