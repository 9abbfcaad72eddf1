"""What descriptions of convolutional networks have in common: fields, and the shapes they make."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from spikelearn._description import Description
from spikelearn.networks.convolution_shape import (
    ConvolutionShape,
    Norm,
    check_dense_norms,
    norm_of,
    pooling_of,
)
from spikelearn.networks.mlp import ImageInput, ImageShape


class Convolutions(ImageInput, Description):
    """Convolutional layers, fully connected ones behind them, and an output of `n_classes`."""

    kind: str
    name: str = Field(min_length=1)
    description: str = ""
    reference: str = ""
    input_shape: ImageShape = Field(description="channels, height, width")
    channels: tuple[int, ...] = Field(min_length=1)
    kernel_size: int | tuple[int, ...] = Field(default=3, description="side of the kernels")
    stride: int | tuple[int, ...] | None = Field(
        default=None, description="pixels from a kernel to the next; 1 if absent"
    )
    padding: Literal["same"] | int | tuple[Literal["same"] | int, ...] | None = Field(
        default=None,
        description="pixels of zeros around the image; same, half the kernel, if absent",
    )
    pool: str | int | tuple[str | int, ...] = Field(
        description="max 2, average 2, max 3 stride 2 ...: of the activity; a number: side of the"
        " square that is averaged before the nonlinearity, 1: no pooling"
    )
    bias: bool | tuple[bool, ...] | None = Field(
        default=None, description="whether kernels have biases; where there is no norm, if absent"
    )
    norm: str | tuple[str, ...] | None = Field(
        default=None,
        description="of the kernels' sums: none, batch, or group and a number of groups of"
        " channels (group 8); a list may go on with fully connected hidden layers",
    )
    residual: bool | tuple[bool, ...] | None = Field(
        default=None, description="whether a layer adds what it receives to its kernels' sums"
    )
    dropout: float | tuple[float, ...] | None = Field(
        default=None,
        description="share of the activity that an update leaves out; a list has one for each"
        " hidden layer, fully connected ones too",
    )
    hidden: tuple[int, ...] = ()
    n_classes: int = Field(default=10, ge=2)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if min(*self.input_shape, *self.channels, *self.hidden, 1) < 1:
            raise ValueError("every layer needs at least one unit")
        for index, shape in enumerate(self.convolutions(), start=1):
            shape.check(f"convolutional layer {index}")
        self.dense_norms()
        return self

    @property
    def seen_shape(self) -> ImageShape:
        """What the first layer receives: channels, height and width."""
        return self.input_shape

    def convolutions(self) -> list[ConvolutionShape]:
        """The convolutional layers, first to last.

        Raises
        ------
        ValueError
            If what is said of a layer is none of what it may be.
        """
        found: list[ConvolutionShape] = []
        n = len(self.channels)
        sizes, strides = self._each("kernel_size", 3), self._each("stride", 1)
        pools, norms = self._each("pool", 1), self._norms()
        paddings, biases = self._each("padding", "same"), self._each("bias", None)
        residuals, dropouts = self._each("residual", False), self._each("dropout", 0.0)
        for share in dropouts:  # fully connected layers' too
            if not 0 <= share < 1:
                raise ValueError(f"dropout must be from 0 to below 1, found {share:g}")
        for index, channels in enumerate(self.channels):
            name = f"convolutional layer {index + 1}"
            size, stride, padding = sizes[index], strides[index], paddings[index]
            if min(size, stride) < 1:
                raise ValueError(f"{name}: kernel_size and stride must be at least 1")
            if padding == "same":
                if size % 2 == 0:
                    raise ValueError(
                        f"kernel_size must be odd, found {size} in {name}; an even one needs its"
                        " padding as a number of pixels"
                    )
                padding = size // 2
            if padding < 0:
                raise ValueError(f"{name}: padding must be at least 0, found {padding}")
            if residuals[index] and not index:
                raise ValueError(f"{name} receives the image, which no residual layer adds")
            averaged, pooling = pooling_of(pools[index])
            norm, groups = self._norm_of(norms[index])
            bias = norm is None if biases[index] is None else biases[index]
            found.append(
                ConvolutionShape(
                    found[-1].out_shape if found else self.seen_shape, channels, size, stride,
                    padding, averaged, pooling, norm, groups, bias, dropouts[index],
                    residuals[index],
                )
            )  # fmt: skip
            if index + 1 < n:
                found[-1].check(name)
        return found

    def dense_norms(self) -> list[tuple[Norm | None, int]]:
        """Kind of normalisation and number of groups of each fully connected hidden layer.

        Raises
        ------
        ValueError
            If what is said of a layer is none of what it may be.
        """
        norms = [self._norm_of(text) for text in self._norms()[len(self.channels) :]]
        check_dense_norms(norms, self.hidden)
        return norms

    def _norms(self) -> tuple[str, ...]:
        """Of convolutional layers, then of fully connected ones, which have none unless listed."""
        n_hidden = len(self.hidden)
        if isinstance(self.norm, tuple) and len(self.norm) == len(self.channels) + n_hidden:
            return self.norm
        return (*self._each("norm", "none"), *("none",) * n_hidden)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the input and of every layer's activity, without the batch."""
        dense = [(units,) for units in (*self.hidden, self.n_classes)]
        return [self.input_shape, *(shape.out_shape for shape in self.convolutions()), *dense]

    @staticmethod
    def _norm_of(text: str) -> tuple[Norm | None, int]:
        """Kind of normalisation and number of groups, of what `norm` says of a layer."""
        return norm_of(text)

    def _each(self, field: str, usual: Any) -> tuple[Any, ...]:
        """What a field says of each convolutional layer (of each hidden layer: dropout)."""
        given = getattr(self, field)
        n = len(self.channels) + (len(self.hidden) if field == "dropout" else 0)
        if not isinstance(given, tuple):
            return (usual if given is None else given,) * n
        if len(given) != n:
            of = "hidden" if field == "dropout" else "convolutional"
            raise ValueError(
                f"{field} must give a value for each of the {n} {of} layers, found {len(given)}:"
                f" {', '.join(map(str, given))}"
            )
        return given
