"""`RateNetwork`: a list of layers, which is all that learning rules for rates ask of a network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import Layer


class RateNetwork(nn.Module):
    """Layers applied one after another; `layers[-1]` gives class scores."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        if not layers:
            raise SpikelearnError("a network needs at least one layer")
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Class scores of shape (batch, n_classes) for inputs of shape (batch, n_inputs)."""
        return self.activity(x)[-1]

    def weights(self) -> list[torch.Tensor]:
        """The weights of every layer, first to last."""
        return [layer.get_parameter("weight") for layer in self.layers]

    def activity(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Activity of every layer, first to last."""
        activities = []
        for layer in self.layers:
            x = layer(x)
            activities.append(x)
        return activities
