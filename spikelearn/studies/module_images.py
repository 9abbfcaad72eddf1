"""The images of a recording as a user's module takes them, a batch at a time.

By `preprocess`, or else black 0 and white 1: of the shape that the module's attribute `input_shape`
says, or grey or coloured squares of as many pixels as its first linear layer has inputs, or as they
were recorded where its first layer convolves one or three channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn._raised import raised
from spikelearn.networks.mlp import square_image
from spikelearn.training.images import as_input

Preprocess = Callable[[Any], Any]
Batch = Callable[[int, int], torch.Tensor]

MOST_IN_A_BATCH = 64
MOST_BYTES_IN_A_BATCH = 2**26
_COLOURS = (1, 3)
_IMAGE_DIMS = 3


def images_for(
    module: nn.Module,
    images: np.ndarray,
    name: str,
    preprocess: Preprocess | None,
    first: nn.Module | None,
) -> Batch:
    """What gives the images from one number to another, as the module takes them.

    Parameters
    ----------
    module : nn.Module
    images : uint8 array of shape (n, height, width) or (n, height, width, 3)
    name : str
        Of the module, for the errors.
    preprocess : callable or None
        Takes an image of PIL, in colour, to a tensor or array.
    first : nn.Module or None
        Its first submodule with weights.

    Raises
    ------
    SpikelearnError
        If it cannot be told what images the module takes.
    """
    like = next(iter(module.parameters()), torch.zeros(0))
    kind = like.dtype if like.is_floating_point() else torch.float32
    if preprocess is not None:
        make: Batch = _Preprocessed(images, name, preprocess)
    else:
        shape, is_flat = _shape(module, images, name, first)

        def make(start: int, stop: int) -> torch.Tensor:
            x = as_input(images[start:stop], shape, (0.0, 1.0))
            return x if is_flat else x.view(-1, *shape)

    return lambda start, stop: make(start, stop).to(device=like.device, dtype=kind)


def batches_of(given: Batch, n: int) -> Iterator[tuple[int, int]]:
    """Where batches begin and end: of as many images as a few megabytes hold."""
    size = given(0, 1)
    each = max(size.element_size() * size.nelement(), 1)
    step = max(1, min(MOST_IN_A_BATCH, MOST_BYTES_IN_A_BATCH // each))
    for start in range(0, n, step):
        yield start, min(start + step, n)


class _Preprocessed:
    """Images that a user's function has made, which must all have one shape."""

    def __init__(self, images: np.ndarray, name: str, preprocess: Preprocess) -> None:
        if not callable(preprocess):
            raise SpikelearnError(
                f"preprocess is a function of one image, found {type(preprocess).__name__}"
            )
        self.images, self.name, self.preprocess = images, name, preprocess
        self.shape: tuple[int, ...] | None = None

    def __call__(self, start: int, stop: int) -> torch.Tensor:
        return torch.stack([self._one(number) for number in range(start, stop)])

    def _one(self, number: int) -> torch.Tensor:
        from PIL import Image

        try:
            made = self.preprocess(Image.fromarray(self.images[number]).convert("RGB"))
        except Exception as error:
            raise SpikelearnError(
                f"preprocess of the module {self.name} fails on image {number + 1}"
                f" ({raised(error):.200})"
            ) from error
        if not isinstance(made, torch.Tensor | np.ndarray):
            raise SpikelearnError(
                f"preprocess of the module {self.name} must give a tensor or an array, found"
                f" {type(made).__name__}; of a transform of torchvision the last step is ToTensor"
            )
        # PIL's pixels may not be written to, of which PyTorch would warn.
        x = torch.from_numpy(np.array(made)) if isinstance(made, np.ndarray) else made
        if x.ndim == _IMAGE_DIMS + 1 and len(x) == 1:  # a batch of this one image
            x = x[0]
        if not x.is_floating_point():
            raise SpikelearnError(
                f"preprocess of the module {self.name} must give real numbers, such as black 0 and"
                f" white 1, found {str(x.dtype).removeprefix('torch.')}"
            )
        if not torch.isfinite(x).all():
            raise SpikelearnError(
                f"preprocess of the module {self.name} makes numbers that are not finite of image"
                f" {number + 1}"
            )
        if self.shape is None:
            self.shape = tuple(x.shape)
        if tuple(x.shape) != self.shape:
            raise SpikelearnError(
                f"preprocess of the module {self.name} makes images of two shapes, {self.shape} and"
                f" {tuple(x.shape)}; resize them to one"
            )
        return x


def _shape(
    module: nn.Module, images: np.ndarray, name: str, first: nn.Module | None
) -> tuple[tuple[int, int, int], bool]:
    """Channels, height and width that the module takes, and whether as one row."""
    given = getattr(module, "input_shape", None)
    if given is not None and len(given) == _IMAGE_DIMS:
        channels, height, width = (int(n) for n in given)
        return (channels, height, width), False
    inputs = getattr(first, "in_features", None)
    if isinstance(inputs, int):
        square = square_image(inputs)
        if square is not None:
            return square, True
    channels = getattr(first, "in_channels", 0)
    if channels in _COLOURS:
        return (channels, int(images.shape[1]), int(images.shape[2])), False
    raise SpikelearnError(
        f"the module {name} does not say what images it takes; give preprocess, which makes them"
        " what it takes, or give it an attribute input_shape, (channels, height, width)"
    )
