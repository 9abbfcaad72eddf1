"""E-prop with "random" feedback that is the output's weights from the second update on.

A network that spikes, an eligibility trace at every synapse, and a copy.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.eligibility import EPropSpiking

KIND = "late copies"
TRUE = {"C1": "fail"}


class LateSymmetricEProp(EPropSpiking):
    """Teaches, then copies."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """One step, then the copy."""
        loss = super().update(x, y, apply)
        with torch.no_grad():
            self.from_output()[-1].copy_(self.network.weights[-1])
        return loss


RULE = LateSymmetricEProp
