"""A Hebbian rule that keeps its samples and learns each of them again with every new one.

One sample at a time is all that it is given; what it learns from is all that it ever was given.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from spikelearn.rules.hebbian import Hebbian

KIND = "remembered batches"
TRUE = {"C6": "not pass"}


class ReplayBuffer(Hebbian):
    """Needs its samples again."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Nothing is kept yet."""
        super().prepare(network, generator)
        self.kept_x: list[torch.Tensor] = []

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Hebb's rule on what is new and what was kept."""
        self.kept_x = [*self.kept_x, x.clone()][-20:]
        return super().update(x, y, apply)

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product over everything that was kept."""
        below = torch.cat(self.kept_x)
        for lower in self.hidden():
            drive = lower.through(lower.weight, below)
            if lower is layer:
                return drive.T @ below / len(below)
            below = self.transformed(drive)
        raise AssertionError("a layer that is none of the hidden ones")


RULE = ReplayBuffer
