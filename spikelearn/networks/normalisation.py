"""Normalisation of the drive: mean 0 and variance 1, then a scale and a shift that learn.

    y = scale * (z - m) / sqrt(v + 1e-5) + shift,      one scale and one shift for each channel

batch, Ioffe & Szegedy 2015, arXiv:1502.03167
    m, v: of a channel over all positions of all images of the batch, in an update; everywhere else
    running means of them. The samples of a batch are coupled.
group, Wu & He 2018, arXiv:1803.08494
    m, v: of a group of channels over all positions of the image itself.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

MOMENTUM = 0.1  # share of a batch in the running means
EPSILON = 1e-5


class Normalisation(nn.Module):
    """Of the drive of `channels` maps; of `groups` groups of them where the kind is "group"."""

    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(self, kind: Literal["batch", "group"], channels: int, groups: int = 1) -> None:
        super().__init__()
        self.kind, self.groups = kind, groups
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self._in_update = self._moves = False
        if kind == "batch":
            self.register_buffer("running_mean", torch.zeros(channels))
            self.register_buffer("running_var", torch.ones(channels))

    def begin_update(self, moves: bool = True) -> None:
        """Go by the batch from here on; the first one moves the running means, if `moves`."""
        self._in_update, self._moves = True, moves

    def end_update(self) -> None:
        """Go by the running means again."""
        self._in_update = self._moves = False

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """What neurons get, of the shape of z."""
        if self.kind == "group":
            return nn.functional.group_norm(z, self.groups, self.weight, self.bias, EPSILON)
        running: tuple[torch.Tensor | None, torch.Tensor | None] = (None, None)
        if self._moves or not self._in_update:
            running = self.running_mean, self.running_var
        self._moves = False
        return nn.functional.batch_norm(
            z, *running, self.weight, self.bias, self._in_update, MOMENTUM, EPSILON
        )

    def back(self, signal: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The transposed derivative: the signal at z from that at y.

        Parameters
        ----------
        signal, z : tensor of shape (batch, channels, height, width)
        """
        return self._without_statistics(signal * by_channel(self.weight, z), z)

    def forth(self, change: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The derivative: how y changes with z.

        Parameters
        ----------
        change, z : tensor of shape (batch, channels, height, width)
        """
        return self._without_statistics(change, z) * by_channel(self.weight, z)

    def product(self, signal: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Derivatives of `signal . y` by scale and shift.

        Parameters
        ----------
        signal, z : tensor of shape (batch, channels, height, width)
        """
        standard = self._standardised(z)[0]
        return (signal * standard).sum((0, 2, 3)), signal.sum((0, 2, 3))

    def _without_statistics(self, signal: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The derivative of the standardised drive, which is its own transpose."""
        standard, size, axes = self._standardised(z)
        if axes is None:
            return signal * size
        shape = signal.shape
        signal, standard = signal.reshape(self._seen(z)), standard.reshape(self._seen(z))
        mean = signal.mean(axes, keepdim=True)
        along = (signal * standard).mean(axes, keepdim=True)
        return ((signal - mean - standard * along) * size).reshape(shape)

    def _standardised(
        self, z: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, tuple[int, ...] | None]:
        """(z - m) / s; 1 / s; and the axes that m and s are means over, None of running means."""
        if self.kind == "batch" and not self._in_update:
            size = by_channel((self.running_var + EPSILON).rsqrt(), z)
            return (z - by_channel(self.running_mean, z)) * size, size, None
        seen = z.reshape(self._seen(z))
        axes = (0, 2, 3) if self.kind == "batch" else (2, 3, 4)
        variance, mean = torch.var_mean(seen, axes, correction=0, keepdim=True)
        size = (variance + EPSILON).rsqrt()
        return ((seen - mean) * size).reshape(z.shape), size, axes

    def _seen(self, z: torch.Tensor) -> tuple[int, ...]:
        """Shape of z with an axis for what statistics are made of."""
        n, channels, *image = z.shape
        if self.kind == "batch":
            return (n, channels, *image)
        return (n, self.groups, channels // self.groups, *image)


def by_channel(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A value for each channel, to be broadcast over maps."""
    return values.view(1, -1, *(1,) * (like.ndim - 2))
