"""The convolutional network and its description."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from spikelearn._description import Description
from spikelearn.networks.mlp import Activation, ImageShape

if TYPE_CHECKING:
    from spikelearn.networks.layers import RateNetwork


class CNN(Description):
    """Description of a convolutional network; `build` makes the network.

    Convolutional layers with `channels[i]` maps, square kernels of `kernel_size`, and averages over
    `pool[i]` x `pool[i]` neighbours; then fully connected layers of `hidden` units, and a linear
    output layer of `n_classes`.
    """

    kind: Literal["cnn"] = "cnn"
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    input_shape: ImageShape = Field(description="channels, height, width")
    channels: tuple[int, ...] = Field(min_length=1)
    kernel_size: int = Field(default=3, ge=1)
    pool: tuple[int, ...] = Field(description="side of the square that is averaged; 1: no pooling")
    hidden: tuple[int, ...] = ()
    n_classes: int = Field(default=10, ge=2)
    activation: Activation = "relu"

    @model_validator(mode="after")
    def _consistent(self) -> CNN:
        if min(*self.input_shape, *self.channels, *self.hidden, 1) < 1:
            raise ValueError("every layer needs at least one unit")
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd, found {self.kernel_size}")
        if len(self.pool) != len(self.channels) or min(self.pool) < 1:
            raise ValueError(
                f"pool must give a number of at least 1 for each of the {len(self.channels)}"
                f" convolutional layers, found {list(self.pool)}"
            )
        if min(self.input_shape[1:]) < math.prod(self.pool):
            raise ValueError(
                f"pool makes an image of {self.input_shape[1]} x {self.input_shape[2]} vanish"
            )
        return self

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return math.prod(self.input_shape)

    @property
    def image_shape(self) -> ImageShape:
        """Images it takes, (channels, height, width)."""
        return self.input_shape

    def build(self, seed: int) -> RateNetwork:
        """The network with its initial weights, which depend on `seed` alone."""
        from spikelearn._seeding import torch_generator
        from spikelearn.networks.layers import Convolution, Dense, Layer, RateNetwork

        generator = torch_generator(seed, "weights")
        layers: list[Layer] = []
        shape: tuple[int, ...] = self.input_shape
        for channels, pool in zip(self.channels, self.pool, strict=True):
            layer = Convolution(shape, channels, self.kernel_size, pool, self.activation, generator)
            layers.append(layer)
            shape = layer.out_shape
        sizes = (shape, *self.hidden, self.n_classes)
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            activation = self.activation if i < len(self.hidden) else "identity"
            layers.append(Dense(n_in, n_out, activation, generator))  # type: ignore[arg-type]
        return RateNetwork(layers, self.kind)
