"""Weight mirrors: feedback weights learn from noise to mirror the forward weights.

Akrout et al. 2019, arXiv:1904.05391. Learning is that of feedback alignment; but before it, in a
mirror phase, layer l-1 fires zero-mean noise xi of variance sigma^2 instead of its activity, layer
l answers, and the synapses of the way back take up how the two go together:

    y = phi(W_l xi + b_l)
    dB_l = eta_m (<(y - <y>) xi^T> / sigma^2 - lambda B_l)

with <> the mean over the noise, eta_m the rate of the group "feedback", B_l `extra["feedback"]`,
lambda `decay`. On average the first term is <phi'> W_l, each row by the mean slope of its unit, so
that B_l comes to point along W_l, with norm <phi'> / lambda times that of W_l, and no weight is
transported. The neuron's own mean answer <y> drops out on average, as xi has mean 0; without it
fewer samples do (n_noise - 1 of them count).

The noise has to be small where phi is linear about 0 (tanh), and large beside the biases for
rectified units, half of which then answer.

Each layer has noise of its own, as noise passed on from layer to layer would no longer be
independent from unit to unit. Kernels of a convolutional layer collect products from all positions,
and before its pooling: the average of neighbours would mirror a kernel blurred over them. Neither
normalisation nor what a residual layer adds has a part in the answer y.

Mirror phases come on top of learning from stimuli: the rule has no single phase.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn

from spikelearn.networks.activations import ACTIVATIONS
from spikelearn.networks.convolution import Convolution, positions
from spikelearn.networks.layers import Layer
from spikelearn.rules.feedback_alignment import FeedbackAlignment
from spikelearn.rules.rule import Axis, Loss, check_range


class WeightMirror(FeedbackAlignment):
    r"""Feedback weights mirror the forward weights through noise (Akrout et al. 2019).

    Feedback weights learn in mirror phases, by noise.

    Parameters
    ----------
    loss, scale
        As for `FeedbackAlignment`; `scale` of the feedback weights before the first mirror phase.
    sigma : float
        Standard deviation of the noise.
    n_noise : int
        Samples of noise in a mirror phase.
    every : int
        Batches from one mirror phase to the next; the first is before the first batch.
    decay : float
        Of the feedback weights, in units of `1 / eta_m`.

    Notes
    -----
    As feedback alignment; between the batches layer l answers noise :math:`\xi` of variance
    :math:`\sigma^2` by :math:`y`, and the feedback weights take up how the two go together:

    .. math::

       y = \phi(W_l \xi + b_l), \qquad
       \Delta B_l = \eta_m \left(
       \frac{\langle (y - \langle y \rangle) \, \xi^\top \rangle}{\sigma^2} - \lambda B_l \right)

    Paper: Akrout et al. 2019, arXiv:1904.05391.
    """

    descends: ClassVar[Literal["all", "output", "none"]] = "output"

    def __init__(
        self,
        loss: Loss = "cross_entropy",
        scale: float = 1.0,
        sigma: float = 1.0,
        n_noise: int = 64,
        every: int = 1,
        decay: float = 1.0,
    ) -> None:
        super().__init__(loss, scale)
        check_range("sigma", sigma, 1e-6)
        check_range("n_noise", n_noise, 2)
        check_range("every", every, 1)
        check_range("decay", decay, 0.0)
        self.sigma, self.n_noise, self.every, self.decay = sigma, int(n_noise), int(every), decay

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the feedback weights; they learn."""
        super().prepare(network, generator)
        self.extra["feedback"].requires_grad_(True)
        clock = nn.Module()
        clock.register_buffer("batches", torch.zeros((), dtype=torch.int64))
        self.extra["clock"] = clock

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "feedback"."""
        return {
            "network": list(self.network.parameters()),
            "feedback": list(self.extra["feedback"].parameters()),
        }

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """As in feedback alignment."""
        return super().unit_axes() | {"clock.batches": ()}

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """A mirror phase, if it is time for one; then a step of feedback alignment."""
        batches = self.extra["clock"].get_buffer("batches")
        if int(batches) % self.every == 0:
            self.mirror()
            apply()
        batches += 1
        return super().update(x, y, apply)

    @torch.no_grad()
    def mirror(self) -> None:
        """Leave in `.grad` of the feedback weights what a mirror phase teaches them."""
        for index, (layer, matrix) in enumerate(
            zip(list(self.network)[1:], self.extra["feedback"].parameters(), strict=True), start=1
        ):
            shape = (self.n_noise, *layer.in_shape)
            xi = self.sigma * self.draw(shape, (None, index - 1, *(None,) * (len(shape) - 2)))
            y = answers(layer, xi)
            y -= y.mean(0)
            covariance = product(layer, xi, y) / (self.n_noise - 1)
            covariance /= self.sigma**2 * positions(layer)
            matrix.grad = self.decay * matrix - covariance


def answers(layer: Layer, xi: torch.Tensor) -> torch.Tensor:
    """phi(W xi + b), before any pooling."""
    if isinstance(layer, Convolution):
        z = nn.functional.conv2d(xi, layer.weight, layer.bias, layer.stride, layer.padding)
    else:
        z = layer.through(layer.weight, xi, layer.bias)
    return ACTIVATIONS[layer.activation].function(z)


def product(layer: Layer, xi: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Products of the noise and the answers to it, of the shape of the weights.

    Parameters
    ----------
    layer : Layer
    xi : tensor of shape (samples, *in_shape)
    y : tensor
        From `answers`.
    """
    if isinstance(layer, Convolution):
        return nn.grad.conv2d_weight(xi, layer.weight.shape, y, layer.stride, layer.padding)
    return layer.product(xi, y)[0]
