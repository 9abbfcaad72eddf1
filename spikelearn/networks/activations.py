"""Nonlinearities of rate networks: the function, its slope, and what a signal becomes behind it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

_aten = torch.ops.aten


@dataclass(frozen=True)
class Activation:
    """A nonlinearity: h = function(z), dh/dz = slope(z, h).

    `gain` is that of the weight initialisation that keeps activity at one scale; `fused`, where
    there is such a kernel, takes a signal s and (z, h) to s * slope(z, h) in one pass over memory.
    """

    function: Callable[[torch.Tensor], torch.Tensor]
    slope: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    gain: float
    fused: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor] | None = None

    def back(self, signal: torch.Tensor, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """`signal` at h times dh/dz.

        Parameters
        ----------
        signal, z, h : tensors of one shape
            The signal at the activity, the drive, and the activity.
        """
        if self.fused is not None:
            return self.fused(signal, z, h)
        return signal * self.slope(z, h)


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(
        torch.relu,
        lambda z, h: (z > 0).to(z.dtype),
        math.sqrt(2.0),
        lambda s, z, h: _aten.threshold_backward(s, z, 0),
    ),
    "tanh": Activation(
        torch.tanh,
        lambda z, h: 1.0 - h * h,
        5.0 / 3.0,
        lambda s, z, h: _aten.tanh_backward(s, h),
    ),
    "sigmoid": Activation(
        torch.sigmoid,
        lambda z, h: h * (1.0 - h),
        1.0,
        lambda s, z, h: _aten.sigmoid_backward(s, h),
    ),
    "hard_sigmoid": Activation(
        lambda z: z.clamp(0.0, 1.0), lambda z, h: ((z >= 0) & (z <= 1)).to(z.dtype), 1.0
    ),
    "elu": Activation(
        nn.functional.elu, lambda z, h: torch.where(z > 0, torch.ones_like(h), h + 1.0), 1.25
    ),
    "identity": Activation(lambda z: z, lambda z, h: torch.ones_like(z), 1.0, lambda s, z, h: s),
}
