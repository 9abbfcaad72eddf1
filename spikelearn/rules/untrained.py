"""No learning: the network keeps its initial weights. The other baseline beside backpropagation."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch.nn.functional import cross_entropy

from spikelearn.rules.rule import Rule


class Untrained(Rule):
    """Leaves every parameter where it is."""

    trains: ClassVar[bool] = False

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The loss of the batch; nothing is updated."""
        return cross_entropy(self.network(x), y)
