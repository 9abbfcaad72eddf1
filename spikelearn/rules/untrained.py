"""No learning: the network keeps its initial weights. The other baseline beside backpropagation."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch

from spikelearn.rules._latency import LatencyRule
from spikelearn.rules.rule import Rule, output_loss


class Untrained(Rule):
    """Leaves every parameter where it is."""

    networks: ClassVar[tuple[str, ...]] = ("mlp", "cnn", "residual_mlp", "elman", "gru")
    trains: ClassVar[bool] = False

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The loss of the batch; nothing is updated."""
        return self.objective(x, y)


class UntrainedLatency(LatencyRule):
    """The network of spike times with its initial weights."""

    trains: ClassVar[bool] = False
    descends: ClassVar[Literal["all", "output", "none"]] = "none"

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """The cross-entropy of the batch; nothing is updated."""
        return self.objective(x, y)

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The cross-entropy."""
        return output_loss("cross_entropy", self.predict(x), y)[0]
