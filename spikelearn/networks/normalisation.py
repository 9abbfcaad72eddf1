"""Normalisation of the drive: mean 0 and variance 1, then a scale and a shift that learn.

    y = scale * (z - m) / sqrt(v + 1e-5) + shift,      one scale and one shift for each channel

batch, Ioffe & Szegedy 2015, arXiv:1502.03167
    m, v: of a channel over all positions of all images of the batch, in an update; everywhere else
    running means of them. The samples of a batch are coupled.
group, Wu & He 2018, arXiv:1803.08494
    m, v: of a group of channels over all positions of the image itself.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.convolution_shape import Norm

_aten = torch.ops.aten
MOMENTUM = 0.1  # share of a batch in the running means
EPSILON = 1e-5


class Normalisation(nn.Module):
    """Of the drive of `channels` maps; of `groups` groups of them where the kind is "group"."""

    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(self, kind: Norm, channels: int, groups: int = 1) -> None:
        super().__init__()
        self.kind, self.groups = kind, groups
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self._in_update = self._moves = False
        self._kept: tuple[Any, tuple[int | bool, ...], Any] | None = None
        if kind == "batch":
            self.register_buffer("running_mean", torch.zeros(channels))
            self.register_buffer("running_var", torch.ones(channels))

    def begin_update(self, moves: bool = True) -> None:
        """Go by the batch from here on; the first one moves the running means, if `moves`."""
        self._in_update, self._moves = True, moves

    def end_update(self) -> None:
        """Go by the running means again."""
        self._in_update = self._moves = False
        self._kept = None

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """What neurons get, of the shape of z."""
        if z.is_inference() or torch.is_grad_enabled():  # whose changes nobody counts
            return self._computed(z)[0]
        return self._normalised(z)[0]

    def back(self, signal: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The transposed derivative: the signal at z from that at y.

        Parameters
        ----------
        signal, z : tensor of shape (batch, channels, height, width)
        """
        return self._gradients(signal, z, [True, False, False])[0]

    def product(self, signal: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Derivatives of `signal . y` by scale and shift.

        Parameters
        ----------
        signal, z : tensor of shape (batch, channels, height, width)
        """
        _, scale, shift = self._gradients(signal, z, [False, True, True])
        return scale, shift

    def descend(self, signal: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """As `back`; and leave in `.grad` of scale and shift what `product` gives.

        Parameters
        ----------
        signal, z : tensor of shape (batch, channels, height, width)
        """
        delta, self.weight.grad, self.bias.grad = self._gradients(signal, z, [True] * 3)
        return delta

    @torch.no_grad()
    def _gradients(
        self, signal: torch.Tensor, z: torch.Tensor, wanted: list[bool]
    ) -> tuple[torch.Tensor, ...]:
        """Derivatives of `signal . y` by z, scale and shift, where they are wanted."""
        _, mean, size = self._normalised(z)
        signal, z = signal.contiguous(), z.contiguous()
        if self.kind == "group":
            found = _aten.native_group_norm_backward(
                signal, z, mean, size, self.weight, *self._sizes(z), wanted
            )
        else:
            kept = (None, None) if self._in_update else (self.running_mean, self.running_var)
            found = _aten.native_batch_norm_backward(
                signal, z, self.weight, *kept, mean, size, self._in_update, EPSILON, wanted
            )
        gradients: tuple[torch.Tensor, ...] = tuple(found)
        return gradients

    def _normalised(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """y, with the means and sizes it is made by; those of the last z are kept."""
        state = (z._version, self.weight._version, self.bias._version, self._in_update)
        if self._kept is not None and self._kept[0]() is z and self._kept[1] == state:
            return self._kept[2]
        with torch.no_grad():
            found = self._computed(z)
        self._kept = (weakref.ref(z), state, found)
        return found

    def _computed(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        if self.kind == "group":
            made = _aten.native_group_norm(
                z.contiguous(), self.weight, self.bias, *self._sizes(z), EPSILON
            )
        else:
            if self._in_update and len(z) * z[0, 0].numel() == 1:
                raise SpikelearnError(
                    "batch normalisation needs more than one value of a channel: a batch of one"
                    " image whose map is 1 x 1 has no variance; take a larger batch, or norm: group"
                )
            running: tuple[torch.Tensor | None, torch.Tensor | None] = (None, None)
            if self._moves or not self._in_update:
                running = self.running_mean, self.running_var
            self._moves = False
            made = _aten.native_batch_norm(
                z, self.weight, self.bias, *running, self._in_update, MOMENTUM, EPSILON
            )
        found: tuple[torch.Tensor, torch.Tensor, torch.Tensor] = made
        return found

    def _sizes(self, z: torch.Tensor) -> tuple[int, int, int, int]:
        """Images, channels, positions and groups."""
        return len(z), z.shape[1], z[0, 0].numel(), self.groups

    def __getstate__(self) -> dict[str, Any]:
        """Without what is kept of the last batch."""
        return {**self.__dict__, "_kept": None}
