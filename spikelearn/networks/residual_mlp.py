"""A deep residual multi-layer perceptron with the scalings of depth-muP, and its description.

Yang et al. 2024, arXiv:2310.02244; as used for predictive coding by Innocenti, Achour & Buckley
2025, arXiv:2505.13124. With n_0 inputs, width N and H residual blocks, and weights of variance 1,

    h_1 = W_1 x / sqrt(n_0),   h_(l+1) = h_l + W_l phi(h_l) / sqrt(N H),   y = W phi(h) / N

so that neither activity nor learning nor relaxation changes its size with width or depth.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field
from torch import nn

from spikelearn._description import Description
from spikelearn.networks.activations import ACTIVATIONS
from spikelearn.networks.layers import Layer
from spikelearn.networks.mlp import Activation, ImageShape, square_image

if TYPE_CHECKING:
    from spikelearn.networks.layers import RateNetwork


class ResidualMLP(Description):
    """Description of a residual multi-layer perceptron; `build` makes the network."""

    kind: Literal["residual_mlp"] = "residual_mlp"
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    n_inputs: int = Field(ge=1)
    width: int = Field(ge=1)
    depth: int = Field(ge=1, description="layers of weights but the output's: one and the blocks")
    n_classes: int = Field(default=10, ge=2)
    activation: Activation = "relu"

    @property
    def image_shape(self) -> ImageShape | None:
        """Images it takes, (channels, height, width); None where the inputs make no square."""
        return square_image(self.n_inputs)

    def build(self, seed: int) -> RateNetwork:
        """The network with its initial weights, which depend on `seed` alone."""
        from spikelearn._seeding import torch_generator
        from spikelearn.networks.layers import RateNetwork

        generator = torch_generator(seed, "weights")
        n_blocks = self.depth - 1
        scale = 1 / math.sqrt(self.width * max(n_blocks, 1))
        layers = [
            ResidualDense(self.n_inputs, self.width, "identity", 1 / math.sqrt(self.n_inputs),
                          False, generator),
            *(
                ResidualDense(self.width, self.width, self.activation, scale, True, generator)
                for _ in range(n_blocks)
            ),
            ResidualDense(self.width, self.n_classes, self.activation, 1 / self.width, False,
                          generator),
        ]  # fmt: skip
        return RateNetwork(layers, self.kind)


class ResidualDense(Layer):
    """z = scale * W phi(h) + b, with h added where `skip`; the neurons themselves are linear.

    The nonlinearity stands before the weights, so that what passes from block to block is the sum.
    `drive` is not affine: `pull` gives its derivative.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        before: str,
        scale: float,
        skip: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.in_shape, self.out_shape, self.fan_in = (n_in,), (n_out,), n_in
        self.activation, self.before, self.scale, self.skip = "identity", before, scale, skip
        self.weight = nn.Parameter(torch.randn(n_out, n_in, generator=generator))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def through(
        self, weight: torch.Tensor, h: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """h + scale * W phi(h) + b, shape (batch, n_out)."""
        sent = ACTIVATIONS[self.before].function(h)
        base = h if self.skip else h.new_zeros(())
        z = torch.addmm(base, sent, weight.T, alpha=self.scale)
        return z if bias is None else z.add_(bias)

    def product(self, h: torch.Tensor, delta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """scale * delta^T phi(h), and the sum of delta over the batch."""
        return (delta * self.scale).T @ ACTIVATIONS[self.before].function(h), delta.sum(0)

    def pull(self, h: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """The derivative of drive at h, transposed, applied to delta."""
        before = ACTIVATIONS[self.before]
        back = before.back(delta @ self.weight, h, before.function(h))
        return torch.add(delta, back, alpha=self.scale) if self.skip else back.mul_(self.scale)

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """Not defined: the way back depends on the activity."""
        raise NotImplementedError("the way back through a residual block depends on its activity")
