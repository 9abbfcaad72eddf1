"""Labels within images, and normalisation between layers, for forward-forward.

An image with label c in it is affine in both, x(c) = keep * x + pattern_c:
- `Dense` first layers see Hinton's overlay: the first n_classes inputs are replaced by the label,
  one-hot.
- Convolutions look at neighbourhoods, most of which would not see that corner. Labels are waves
  over the whole image: x(c) = (1 - a) x + a wave_c, a the label's strength (Scodellaro et al. 2023,
  arXiv:2312.14924, "Fourier" labels).
The neutral label is the mean of all patterns: 1 / n_classes in each pixel of the overlay.

So W x(c) = W (keep * x) + W pattern_c: the first layer's sums are computed once for all labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import Layer

TINY = 1e-30


def mean_square(h: torch.Tensor) -> torch.Tensor:
    """Goodness: mean of the squared activity of every sample, shape (batch,)."""
    return h.flatten(1).square().mean(1)


def normalised(h: torch.Tensor, goodness: torch.Tensor) -> torch.Tensor:
    """Activity divided by its root mean square: of length sqrt(n), whatever the goodness."""
    scale = goodness.clamp_min(TINY).rsqrt()
    return h * scale.reshape(-1, *[1] * (h.dim() - 1))


@dataclass
class Projection:
    """Input of the first layer's neurons from a batch of images, for any labels."""

    images: torch.Tensor
    patterns: torch.Tensor
    bias: torch.Tensor
    squares: torch.Tensor

    def drive(self, labels: torch.Tensor) -> torch.Tensor:
        """z of shape (labels, *out_shape); labels of one batch after another, image by image."""
        n_times = len(labels) // len(self.images)
        z = self.images.repeat(n_times, *[1] * (self.images.dim() - 1)) + self.patterns[labels]
        index = torch.arange(len(self.images), device=labels.device).repeat(n_times)
        scale = self.squares[index, labels].clamp_min(TINY).rsqrt()
        ones = [1] * (z.dim() - 2)
        return z * scale.reshape(-1, 1, *ones) + self.bias.reshape(-1, *ones)


class Labels(nn.Module):
    def __init__(self, layer: Layer, n_classes: int, strength: float) -> None:
        super().__init__()
        n_inputs = int(torch.Size(layer.in_shape).numel())
        if len(layer.in_shape) == 1:
            keep = torch.ones(n_inputs)
            keep[:n_classes] = 0.0
            patterns = strength * torch.eye(n_classes, n_inputs)
        else:
            keep = torch.full((n_inputs,), 1.0 - strength)
            patterns = strength * waves(n_classes, layer.in_shape).flatten(1)
        self.register_buffer("keep", keep)
        self.register_buffer("patterns", torch.cat((patterns, patterns.mean(0, keepdim=True))))

    def neutral(self, n: int):
        return torch.full((n,), len(self.patterns) - 1, device=self.patterns.device)

    def project(self, x: torch.Tensor, layer: Layer) -> Projection:
        kept = x.flatten(1) * self.keep
        squares = (
            kept.square().sum(1, keepdim=True)
            + 2.0 * kept @ self.patterns.T
            + self.patterns.square().sum(1)
        ) / kept.shape[1]
        return Projection(
            layer.through(layer.weight, kept),
            layer.through(layer.weight, self.patterns),
            layer.bias,
            squares,
        )


def waves(n_classes: int, shape) -> torch.Tensor:
    channels, height, width = shape
    rows = torch.arange(height)[:, None] / height
    columns = torch.arange(width)[None, :] / width
    found = []
    vectors = sorted(
        ((a, b) for a in range(0, 8) for b in range(-7, 8) if (a, b) > (0, 0)),
        key=lambda v: (v[0] ** 2 + v[1] ** 2, v),
    )
    for a, b in vectors:
        for phase in (0.0, 0.25):
            found.append(0.5 + 0.5 * torch.cos(2 * torch.pi * (a * rows + b * columns + phase)))
    return torch.stack(found[:n_classes])[:, None].expand(-1, channels, -1, -1)
