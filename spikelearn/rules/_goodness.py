"""What the forward-forward rules share: goodness, normalisation, and labels within images.

An image x that shows label c is affine in both, x(c) = keep * x + pattern_c:
- A fully connected first layer sees Hinton's overlay (2022, arXiv:2212.13345): the first n_classes
  inputs are replaced by the label, one-hot times its strength.
- A convolution sees neighbourhoods, all but a few of which lie outside that corner. It gets labels
  that extend over the image (Scodellaro et al. 2023, arXiv:2312.14924): x(c) = (1 - a) x + a m_c, a
  the label's strength, m_c of +1 and -1, drawn for each class when the rule is prepared. That paper
  superimposes plane waves; random patterns, as SymBa (arXiv:2303.08418) has for its classes, were
  learned faster.
The neutral label is the mean of all labels: 1 / n_classes in each pixel of the overlay.

With x(c) divided by its root mean square r, the first layer is W x(c) / r + b, and
W x(c) = W (keep * x) + W pattern_c: its sums are computed once for whatever labels are shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import embedding

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import Layer
from spikelearn.rules.rule import leave

# Least goodness that is divided by: a silent layer stays silent.
_TINY = 1e-30
# Of labels, where a rule is not told: the overlay has the height of a white pixel; a pattern over
# the image has a fifth of it.
OVERLAY_STRENGTH, PATTERN_STRENGTH = 1.0, 0.2


def mean_square(h: torch.Tensor) -> torch.Tensor:
    """Goodness of every sample, the mean of its squared activity; shape (batch,)."""
    return h.flatten(1).square().mean(1)


def per_sample(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """`values` of shape (batch,), with axes of length 1 to multiply `like` by."""
    return values.reshape(-1, *[1] * (like.dim() - 1))


def normalised(h: torch.Tensor, goodness: torch.Tensor) -> torch.Tensor:
    """Activity over its root mean square: a vector of length sqrt(n), whatever its goodness."""
    return h * per_sample(goodness.clamp_min(_TINY).rsqrt(), h)


def is_rectified(layer: Layer) -> bool:
    """Whether phi'(z) h = h, so that h^2 / 2 needs no way back through neurons."""
    return layer.activation == "relu" and layer.plain


def leave_neurons(
    layer: Layer, h: torch.Tensor, z: torch.Tensor, signal: torch.Tensor
) -> torch.Tensor:
    """Leave in `.grad` of what the neurons learn the gradient of `signal . h`; the signal at z.

    Parameters
    ----------
    layer : Layer
    h, signal : tensor of shape (batch, *out_shape)
        h with its graph from z.
    z : tensor of shape (batch, *drive_shape)
    """
    learnt = [] if layer.norm is None else list(layer.norm.parameters())
    delta, *gradients = torch.autograd.grad(h, [z, *learnt], signal)
    leave(learnt, gradients)
    return delta


def leave_synapses(layer: Layer, z: torch.Tensor, delta: torch.Tensor) -> None:
    """Leave in `.grad` of weight and bias the gradient of `delta . z`.

    Parameters
    ----------
    layer : Layer
    z, delta : tensor of shape (batch, *drive_shape)
        z with its graph from weight and bias.
    """
    learnt = [layer.weight, *([layer.bias] if layer.has_bias else [])]
    leave(learnt, torch.autograd.grad(z, learnt, delta))


class Labels(nn.Module):
    """Labels of the images that `layer` takes.

    Attributes
    ----------
    keep : buffer of shape (n_inputs,)
    patterns : buffer of shape (n_classes + 1, n_inputs)
        The last is the neutral label.
    """

    keep: torch.Tensor
    patterns: torch.Tensor

    def __init__(
        self, layer: Layer, n_classes: int, strength: float | None, generator: torch.Generator
    ) -> None:
        super().__init__()
        n_inputs, dtype = math.prod(layer.in_shape), layer.weight.dtype
        if len(layer.in_shape) == 1:
            if n_inputs < n_classes:
                raise SpikelearnError(
                    f"the label is shown in the first {n_classes} inputs, one a class, but this"
                    f" network has {n_inputs}"
                )
            strength = OVERLAY_STRENGTH if strength is None else strength
            keep = (torch.arange(n_inputs) >= n_classes).to(dtype)
            patterns = strength * torch.eye(n_classes, n_inputs, dtype=dtype)
        else:
            strength = PATTERN_STRENGTH if strength is None else strength
            if strength >= 1.0:
                raise SpikelearnError(
                    "option 'label_strength' must be below 1 for a convolutional network, where it"
                    f" is the label's share of the image; found {strength:g}"
                )
            keep = torch.full((n_inputs,), 1.0 - strength, dtype=dtype)
            signs = torch.randint(2, (n_classes, n_inputs), generator=generator)
            patterns = strength * (2 * signs - 1).to(dtype)
        self.register_buffer("keep", keep)
        self.register_buffer("patterns", torch.cat((patterns, patterns.mean(0, keepdim=True))))

    def neutral(self, n: int) -> torch.Tensor:
        """The neutral label, n times."""
        return torch.full((n,), len(self.patterns) - 1, device=self.patterns.device)

    def project(self, x: torch.Tensor, layer: Layer) -> Projection:
        """Images x of shape (batch, n_inputs) as `layer` sees them, whatever label they show."""
        kept = x.flatten(1) * self.keep
        total = kept.square().sum(1, keepdim=True) + self.patterns.square().sum(1)
        squares = (total + 2.0 * kept @ self.patterns.T) / kept.shape[1]
        # One product for images and labels, so that its gradient is one product, too.
        sums = layer.through(layer.weight, torch.cat((kept, self.patterns)))
        return Projection(sums[: len(x)], sums[len(x) :], layer.bias, squares)


@dataclass(frozen=True)
class Projection:
    """Sums of the first layer, over images and over labels, of which those of any pair are made.

    Attributes
    ----------
    images : tensor of shape (batch, *out_shape)
        W (keep * x).
    labels : tensor of shape (n_classes + 1, *out_shape)
        W pattern.
    bias : tensor of shape (channels,)
    squares : tensor of shape (batch, n_classes + 1)
        Mean square of each image with each label.
    """

    images: torch.Tensor
    labels: torch.Tensor
    bias: torch.Tensor
    squares: torch.Tensor

    def drive(self, *labels: torch.Tensor) -> torch.Tensor:
        """z of the layer, first for all images with the first labels, then with the second ...

        Parameters
        ----------
        *labels : tensors of shape (batch,), int64

        Returns
        -------
        tensor of shape (batch * number of labels, *out_shape)
        """
        shown = torch.cat(labels)
        squares = self.squares.repeat(len(labels), 1).gather(1, shown[:, None])
        scale = squares.clamp_min(_TINY).rsqrt()
        added = embedding(shown, self.labels.flatten(1)).reshape(-1, *self.labels.shape[1:])
        sums = torch.cat([self.images] * len(labels)) + added
        bias = self.bias.reshape(-1, *[1] * (sums.dim() - 2))
        return torch.addcmul(bias, sums, per_sample(scale, sums))
