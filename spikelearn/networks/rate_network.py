"""`RateNetwork`: a list of layers, which is all that learning rules for rates ask of a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import Layer


class RateNetwork(nn.Module):
    """Layers applied one after another; `layers[-1]` gives class scores.

    `kind` is that of the description it was built from ("mlp", "cnn" ...); rules say by it what
    they train.
    """

    def __init__(self, layers: Sequence[Layer], kind: str = "mlp") -> None:
        super().__init__()
        if not layers:
            raise SpikelearnError("a network needs at least one layer")
        self.layers = nn.ModuleList(layers)
        self.kind = kind

    def __iter__(self) -> Iterator[Layer]:
        """The layers, first to last."""
        return iter(cast("list[Layer]", list(self.layers)))

    def __len__(self) -> int:
        """Number of layers."""
        return len(self.layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Class scores of shape (batch, n_classes) for inputs of shape (batch, n_inputs)."""
        return self.activity(x)[-1]

    def weights(self) -> list[nn.Parameter]:
        """The weights of every layer, first to last."""
        return [layer.weight for layer in self]

    def activity(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Activity of every layer, first to last, each of shape (batch, *out_shape)."""
        activities = []
        for layer in self:
            x = layer(x)
            activities.append(x)
        return activities
