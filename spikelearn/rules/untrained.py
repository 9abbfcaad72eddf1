"""No learning: the network keeps its initial weights. The other baseline beside backpropagation."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch

from spikelearn.rules.rule import Rule


class Untrained(Rule):
    """Leaves every parameter where it is."""

    networks: ClassVar[tuple[str, ...]] = ("mlp", "cnn", "residual_mlp", "elman", "gru")
    trains: ClassVar[bool] = False

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The loss of the batch; nothing is updated."""
        return self.objective(x, y)
