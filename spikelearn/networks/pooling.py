"""Pooling of maps: the highest or the mean activity of neighbours stands for them all."""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d, max_pool2d

from spikelearn.networks.convolution_shape import PoolShape

_aten = torch.ops.aten


class Pooling(PoolShape):
    """Of maps. Of equal highest values the first counts, as in PyTorch."""

    def __call__(self, y: torch.Tensor) -> torch.Tensor:
        """Pooled maps."""
        return (max_pool2d if self.kind == "max" else avg_pool2d)(y, self.size, self.stride)

    def back(self, signal: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The transposed derivative at y: the signal at the maps from that at the pooled ones.

        Parameters
        ----------
        signal : tensor of shape (batch, channels, height, width), pooled
        y : tensor of shape (batch, channels, height, width)
        """
        if self.kind == "max":
            return self.to_places(signal, y, self.highest(y)[1])
        return _aten.avg_pool2d_backward(
            signal, y, [self.size] * 2, [self.stride] * 2, [0, 0], False, True, None
        )

    def at_places(self, maps: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """What stands in these places of the maps.

        Parameters
        ----------
        maps : tensor of shape (batch, channels, height, width)
        places : int64 tensor of shape (batch, channels, height, width), pooled
            From `highest`.
        """
        return maps.flatten(2).gather(2, places.flatten(2)).view(places.shape)

    def highest(self, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The highest values, and in which place of its map each stands."""
        found: tuple[torch.Tensor, torch.Tensor] = _aten.max_pool2d_with_indices(
            y, [self.size] * 2, [self.stride] * 2
        )
        return found

    def to_places(
        self, signal: torch.Tensor, y: torch.Tensor, places: torch.Tensor
    ) -> torch.Tensor:
        """A signal at the highest values, put where they stand in the maps.

        Parameters
        ----------
        signal : tensor of shape (batch, channels, height, width), pooled
        y : tensor of shape (batch, channels, height, width)
        places : int64 tensor of the shape of `signal`
            From `highest`.
        """
        return _aten.max_pool2d_with_indices_backward(
            signal, y, [self.size] * 2, [self.stride] * 2, [0, 0], [1, 1], False, places
        )
