"""Labelled images as network input, divided into those for training, validation and testing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.experiments.config import TrainConfig
from spikelearn.stimuli.images import ImageDataset, network_images


@dataclass(frozen=True)
class Split:
    """Images as network input, float32 of shape (n, inputs), and labels, int64 of shape (n,)."""

    x: torch.Tensor
    y: torch.Tensor

    def to(self, device: str) -> Split:
        """The same on another device."""
        return Split(self.x.to(device), self.y.to(device))


def split(data: ImageDataset, config: TrainConfig) -> tuple[Split, Split, Split]:
    """Training, validation and test images. The same for every rule and model of one seed.

    Raises
    ------
    SpikelearnError
        If there are fewer training images than asked for, or the model does not fit the data.
    """
    shape = fitting_shape(data, config)
    order = generator(config.seed, "split").permutation(len(data.train_images))
    if config.n_train is not None:
        if config.n_train > len(order):
            raise SpikelearnError(
                f"n_train is {config.n_train}, but {data.name} ({data.source}) has {len(order)}"
                " training images"
            )
        order = order[: config.n_train]
    n_validation = max(1, round(config.validation_fraction * len(order)))
    kept, held = order[:-n_validation], order[-n_validation:]
    if not len(kept):
        raise SpikelearnError("no training image is left beside those for validation")
    parts = (
        (data.train_images[kept], data.train_labels[kept]),
        (data.train_images[held], data.train_labels[held]),
        (data.test_images, data.test_labels),
    )
    training, validation, test = (
        Split(
            as_input(images, shape, config.input_range), torch.from_numpy(labels.astype(np.int64))
        )
        for images, labels in parts
    )
    for part in (training, validation, test):
        if not torch.isfinite(part.x).all():
            raise SpikelearnError(f"{data.name}: an image has values that are not finite (NaN)")
    return training, validation, test


def as_input(
    images: np.ndarray, shape: tuple[int, int, int], input_range: tuple[float, float]
) -> torch.Tensor:
    """Images as input of a network that takes (channels, height, width), float32, flattened."""
    low, high = input_range
    x = torch.from_numpy(network_images(images, shape))
    return x if (low, high) == (0.0, 1.0) else x.mul_(high - low).add_(low)


def fitting_shape(data: ImageDataset, config: TrainConfig) -> tuple[int, int, int]:
    """Image shape of the model: channels, height, width.

    Raises
    ------
    SpikelearnError
        If the model's ends do not fit the data.
    """
    model = config.description()
    height, width, *colours = data.train_images.shape[1:]
    wanted = (colours[0] if colours else 1, height, width)
    shape, n_classes = model.image_shape, model.n_classes  # type: ignore[union-attr]
    if shape != wanted or n_classes != len(data.classes):
        found = " x ".join(map(str, shape)) if shape else str(model.n_inputs)  # type: ignore[union-attr]
        raise SpikelearnError(
            f"model '{config.model}' takes {found} inputs and gives {n_classes} outputs; the"
            f" data have {' x '.join(map(str, wanted))} = {np.prod(wanted)} pixels and"
            f" {len(data.classes)} classes"
        )
    return shape
