"""The convolutional network and its description."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal

from spikelearn.networks.convolutions import Convolutions
from spikelearn.networks.mlp import Activation

if TYPE_CHECKING:
    from spikelearn.networks.layers import RateNetwork


class CNN(Convolutions):
    """Description of a convolutional network; `build` makes the network.

    Convolutional layers with `channels[i]` maps and square kernels, then fully connected layers of
    `hidden` units, and a linear output layer of `n_classes`. What is said of convolutional layers
    is one value for all of them, or a list of one for each:

        channels: [32, 64, 16]
        kernel_size: [5, 3, 3]
        padding: 0
        pool: [max 2, average 2, 1]

    In a layer the kernels' sums are normalised (`norm`), pass the nonlinearity, are pooled (`pool`)
    and, in training, thinned (`dropout`). A residual layer adds what it receives to its kernels'
    sums: a residual block of one convolution. That way every layer sees the one below and no other,
    which is what learning rules here are written for.
    """

    kind: Literal["cnn"] = "cnn"
    activation: Activation = "relu"

    def build(self, seed: int) -> RateNetwork:
        """The network with its initial weights, which depend on `seed` alone."""
        from spikelearn._seeding import torch_generator
        from spikelearn.networks.convolution import Convolution
        from spikelearn.networks.layers import Dense, Layer, RateNetwork

        generator = torch_generator(seed, "weights")
        shapes = self.convolutions()
        layers: list[Layer] = [Convolution(one, self.activation, generator) for one in shapes]
        dropouts = (*self._each("dropout", 0.0)[len(shapes) :], 0.0)
        norms = [*self.dense_norms(), (None, 1)]
        sizes = (shapes[-1].out_shape, *self.hidden, self.n_classes)
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            activation = self.activation if i < len(self.hidden) else "identity"
            dense = Dense(n_in, n_out, activation, generator, dropouts[i], norms[i])  # type: ignore[arg-type]
            layers.append(dense)
        return RateNetwork(layers, self.kind)
