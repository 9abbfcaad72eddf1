"""Feedback alignment whose matrices are what hooks on the layers saw in the forward pass.

The weights are copied while activity passes, by whoever hangs on to the layers.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "other ways to the weights"
TRUE = {"C1": "fail"}


class ForwardHooks(FeedbackAlignment):
    """Hangs on to the layers."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Hang the hooks."""
        super().prepare(network, generator)
        self.seen: dict[int, torch.Tensor] = {}

        def look(layer: nn.Module, args: object, out: object) -> None:
            self.seen[id(layer)] = layer.weight.detach().clone()  # type: ignore[union-attr,operator]

        self.handles = [layer.register_forward_hook(look) for layer in self.network]

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Run the network, as if to look at its activity; then one step."""
        with torch.no_grad():
            self.network(x)
        return super().update(x, y, apply)

    def _feedback(self) -> list[torch.Tensor]:
        return [self.seen[id(layer)] for layer in self.network][1:]


RULE = ForwardHooks
