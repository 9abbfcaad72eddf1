"""Convolutions whose kernels are standardised: normalisation that needs no other sample or step.

    W' = gain * (W - mean(W)) / sqrt(n var(W) + 1e-4),     one gain for each channel

over the n entries of a channel's kernel, var with n - 1 (Qiao et al. 2019, arXiv:1903.10520; scaled
as in Brock et al. 2021, arXiv:2101.08692). An input of independent values of variance 1 gives a
drive of variance gain^2. Spikes have less: the share p = 0.16 of neurons that fires where the drive
is normal with variance 1 and the threshold is 1 has the variance p (1 - p), so that layers above
the first start with a gain of 1 / sqrt(p (1 - p)) = 2.74 (Xiao et al. 2022, arXiv:2210.04195).
"""

from __future__ import annotations

import math

import torch
from torch import nn

from spikelearn.networks.convolution import Convolution
from spikelearn.networks.convolution_shape import ConvolutionShape

EPSILON = 1e-4
_P = 0.5 * math.erfc(1.0 / math.sqrt(2.0))  # of a normal number above 1
OF_SPIKES = 1.0 / math.sqrt(_P * (1.0 - _P))


def standardised(weight: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """W' of the shape of `weight`, (channels, channels below, size, size)."""
    variance, mean = torch.var_mean(weight, dim=(1, 2, 3), keepdim=True)
    scale = gain.view(-1, 1, 1, 1) / (variance * weight[0].numel() + EPSILON).sqrt()
    return (weight - mean) * scale


class StandardisedConvolution(Convolution):
    """A convolutional layer that sends its input through W' and learns W and the gain."""

    def __init__(
        self, shape: ConvolutionShape, activation: str, generator: torch.Generator, gain: float
    ) -> None:
        super().__init__(shape, activation, generator)
        self.gain = nn.Parameter(torch.full((shape.channels,), gain))

    def kernels(self) -> torch.Tensor:
        """W', with its way back to W and the gain."""
        return standardised(self.weight, self.gain)

    def drive(self, h: torch.Tensor) -> torch.Tensor:
        """z of shape (batch, *drive_shape), by W'."""
        bias = self.bias if self.has_bias else None
        return self.carried(self.through(self.kernels(), h, bias), h)

    def learnt(self) -> list[torch.Tensor]:
        """Weight, bias and gain."""
        return [*super().learnt(), self.gain]
