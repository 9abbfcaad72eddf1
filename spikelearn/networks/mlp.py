"""The multi-layer perceptron and its description."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from spikelearn._description import Description
from spikelearn.networks.convolution_shape import Norm, check_dense_norms, norm_of

if TYPE_CHECKING:
    from spikelearn.networks.layers import RateNetwork

Activation = Literal["relu", "tanh", "sigmoid", "hard_sigmoid", "elu"]
ImageShape = tuple[int, int, int]


class MLP(Description):
    """Description of a multi-layer perceptron; `build` makes the network.

    `sizes` are the numbers of units from the input to the output; the output layer is linear.
    `input_shape` says what images it takes, as (channels, height, width); if absent, the square
    image of one channel, or else of three, that has as many pixels as there are inputs. `norm` is
    one value for all hidden layers, or a list of one for each.
    """

    kind: Literal["mlp"] = "mlp"
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    sizes: tuple[int, ...] = Field(min_length=2)
    activation: Activation = "relu"
    input_shape: ImageShape | None = None
    norm: str | tuple[str, ...] | None = Field(
        default=None,
        description="of the hidden units' sums: none, batch, or group and a number of groups of"
        " units (group 8)",
    )

    @field_validator("sizes")
    @classmethod
    def _positive(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if min(sizes) < 1:
            raise ValueError("every layer needs at least one unit")
        return sizes

    @model_validator(mode="after")
    def _consistent(self) -> MLP:
        if self.input_shape is not None and math.prod(self.input_shape) != self.sizes[0]:
            raise ValueError(
                f"input_shape {self.input_shape} makes {math.prod(self.input_shape)} inputs, but"
                f" sizes begins with {self.sizes[0]}"
            )
        self.norms()
        return self

    def norms(self) -> list[tuple[Norm | None, int]]:
        """Kind of normalisation and number of groups of each hidden layer.

        Raises
        ------
        ValueError
            If what is said of a layer is none of what it may be.
        """
        hidden = self.sizes[1:-1]
        if not hidden and isinstance(self.norm, str) and norm_of(self.norm)[0] is not None:
            raise ValueError(f"norm: {self.norm} is of hidden layers, of which there are none")
        each = self.norm if isinstance(self.norm, tuple) else (self.norm or "none",) * len(hidden)
        if len(each) != len(hidden):
            raise ValueError(
                f"norm must give a value for each of the {len(hidden)} hidden layers, found"
                f" {len(each)}: {', '.join(each)}"
            )
        norms = [norm_of(text) for text in each]
        check_dense_norms(norms, hidden)
        return norms

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.sizes[0]

    @property
    def n_classes(self) -> int:
        """Number of outputs."""
        return self.sizes[-1]

    @property
    def image_shape(self) -> ImageShape | None:
        """Images it takes, (channels, height, width); None where the inputs make no square."""
        return self.input_shape or square_image(self.n_inputs)

    def build(self, seed: int) -> RateNetwork:
        """The network with its initial weights, which depend on `seed` alone."""
        from spikelearn._seeding import torch_generator
        from spikelearn.networks.layers import Dense, RateNetwork

        generator = torch_generator(seed, "weights")
        last, norms = len(self.sizes) - 2, [*self.norms(), (None, 1)]
        return RateNetwork(
            [
                Dense(
                    n_in, n_out, self.activation if i < last else "identity", generator,
                    norm=norms[i],
                )
                for i, (n_in, n_out) in enumerate(itertools.pairwise(self.sizes))
            ],
            self.kind,
        )  # fmt: skip


class ImageInput:
    """What descriptions have that name the images they take in a field, `input_shape`."""

    if TYPE_CHECKING:  # each has it at its own place among its fields
        input_shape: ImageShape

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return math.prod(self.input_shape)

    @property
    def image_shape(self) -> ImageShape:
        """Images it takes, (channels, height, width)."""
        return self.input_shape


def square_image(n_inputs: int) -> ImageShape | None:
    """The square image of one channel, or else of three, with `n_inputs` values; or None."""
    for channels in (1, 3):
        side = math.isqrt(n_inputs // channels)
        if channels * side * side == n_inputs:
            return channels, side, side
    return None
