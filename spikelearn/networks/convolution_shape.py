"""Shapes of convolutional layers, from what a description says of each; no weights are made."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Shape = tuple[int, int, int]
Norm = Literal["batch", "group", "weights"]
_POOL = re.compile(r"(max|average) ([0-9]+)(?: stride ([0-9]+))?")
_NORM = re.compile(r"batch|group ([0-9]+)")


@dataclass(frozen=True)
class PoolShape:
    """Squares of `size` x `size` neighbours, `stride` apart, and what stands for them.

    Rows and columns that no whole square reaches are left out.
    """

    kind: Literal["max", "average"]
    size: int
    stride: int

    def side(self, n: int) -> int:
        """Number of squares along a side of n."""
        return (n - self.size) // self.stride + 1


@dataclass(frozen=True)
class ConvolutionShape:
    """All of a convolutional layer but its weights and its nonlinearity.

    Attributes
    ----------
    in_shape : tuple of int
        Channels, height and width of the activity below.
    channels, size, stride, padding : int
        Of the kernels; padding in pixels of zeros on each side.
    averaged : int
        Side of the squares that are averaged before the nonlinearity.
    pooling : PoolShape or None
        Of the activity.
    norm : {"batch", "group", "weights", None}
        Of the drive, with `groups` groups of channels; or of each kernel itself.
    bias, residual : bool
    dropout : float
    """

    in_shape: Shape
    channels: int
    size: int
    stride: int = 1
    padding: int = 0
    averaged: int = 1
    pooling: PoolShape | None = None
    norm: Norm | None = None
    groups: int = 1
    bias: bool = True
    dropout: float = 0.0
    residual: bool = False

    @property
    def kernel_sides(self) -> tuple[int, int]:
        """Height and width of what the kernels give."""
        height, width = (
            (n + 2 * self.padding - self.size) // self.stride + 1 for n in self.in_shape[1:]
        )
        return height, width

    @property
    def square_side(self) -> int:
        """Side of what a square of kernels that are averaged reads; of one kernel, its size."""
        return self.size + (self.averaged - 1) * self.stride

    @property
    def unread(self) -> tuple[int, int]:
        """Rows and columns at the edge that no kernel reads whose value is of a square."""
        height, width = (
            (n + 2 * self.padding - self.square_side) % (self.stride * self.averaged)
            for n in self.in_shape[1:]
        )
        return height, width

    @property
    def drive_shape(self) -> Shape:
        """Channels, height and width of the drive."""
        height, width = (n // self.averaged for n in self.kernel_sides)
        return self.channels, height, width

    @property
    def out_shape(self) -> Shape:
        """Channels, height and width of the activity."""
        if self.pooling is None:
            return self.drive_shape
        channels, height, width = self.drive_shape
        return channels, self.pooling.side(height), self.pooling.side(width)

    def check(self, name: str) -> None:
        """Refuse a layer of which nothing is left, or whose parts do not fit.

        Raises
        ------
        ValueError
            Naming the layer.
        """
        image = f"{self.in_shape[1]} x {self.in_shape[2]}"
        if min(self.kernel_sides) < 1:
            raise ValueError(
                f"{name}: kernels of {self.size} x {self.size} do not fit into an image of {image}"
                + (f" with a padding of {self.padding}" if self.padding else "")
            )
        seen = self.kernel_sides if self.averaged > 1 else self.drive_shape[1:]
        if min(*self.drive_shape, *self.out_shape) < 1:
            raise ValueError(f"{name}: pool makes an image of {seen[0]} x {seen[1]} vanish")
        if self.norm == "group":
            check_groups(name, self.groups, self.drive_shape, "channels")
        if self.residual:
            self._check_residual(name, image)

    def _check_residual(self, name: str, image: str) -> None:
        if self.averaged > 1:
            raise ValueError(
                f"{name}: what a residual layer adds joins the drive of each position; pool after"
                f" the nonlinearity, as 'average {self.averaged}'"
            )
        wanted = tuple(math.ceil(n / self.stride) for n in self.in_shape[1:])
        if self.kernel_sides != wanted or self.channels < self.in_shape[0]:
            raise ValueError(
                f"{name}: a residual layer adds {self.in_shape[0]} channels of"
                f" {wanted[0]} x {wanted[1]} to its drive, but its kernels make {self.channels} of"
                f" {self.kernel_sides[0]} x {self.kernel_sides[1]} of an image of {image}; give it"
                " as many channels or more, and padding: same"
            )


def pooling_of(text: str | int) -> tuple[int, PoolShape | None]:
    """The side of squares averaged before the nonlinearity, and pooling behind it.

    A number is the former; the latter is written "max 2", "average 2" or "max 3 stride 2".

    Raises
    ------
    ValueError
    """
    if isinstance(text, int):
        if text < 1:
            raise ValueError(f"pool must be at least 1, found {text}")
        return text, None
    match = _POOL.fullmatch(text)
    if match is None or "0" in match.groups():
        raise ValueError(
            "pool is written as max 2, average 2 or max 3 stride 2, or as a number, the side of"
            f" squares that are averaged before the nonlinearity; found {text!r}"
        )
    kind, size, stride = match.groups()
    return 1, PoolShape(kind, int(size), int(stride or size))  # type: ignore[arg-type]


def check_groups(name: str, groups: int, shape: tuple[int, ...], units: str) -> None:
    """Refuse groups that are not equal, or of which nothing is left.

    Parameters
    ----------
    name : str
        Of the layer.
    groups : int
    shape : tuple of int
        Of the drive, the first axis of which is dealt out to them.
    units : str
        What that axis runs over.

    Raises
    ------
    ValueError
        Naming the layer.
    """
    if shape[0] % groups:
        raise ValueError(f"{name}: {shape[0]} {units} do not make {groups} equal groups")
    if math.prod(shape) == groups:
        raise ValueError(
            f"{name}: {groups} groups of one value each, less their mean, are nothing; take fewer"
            " groups"
        )


def norm_of(text: str) -> tuple[Norm | None, int]:
    """The kind of normalisation, and the number of groups: of "none", "batch" or "group 8".

    Raises
    ------
    ValueError
    """
    if text == "none":
        return None, 1
    match = _NORM.fullmatch(text)
    if match is None or match[1] == "0":
        raise ValueError(f"norm is none, batch, or group and a number of groups; found {text!r}")
    return ("batch", 1) if match[1] is None else ("group", int(match[1]))


def check_dense_norms(norms: Sequence[tuple[Norm | None, int]], units: Sequence[int]) -> None:
    """Refuse what fully connected layers, each of whose units is a channel, cannot have.

    Parameters
    ----------
    norms : sequence of (str or None, int)
        Kind and number of groups of each layer.
    units : sequence of int
        Of each layer.

    Raises
    ------
    ValueError
        Naming the layer.
    """
    for index, ((kind, groups), n) in enumerate(zip(norms, units, strict=True), start=1):
        name = f"fully connected layer {index}"
        if kind == "group":
            check_groups(name, groups, (n,), "units")
        if kind == "weights":
            raise ValueError(f"{name}: norm: weights is of kernels; take none or batch")
