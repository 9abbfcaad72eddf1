"""Labelled images or spike trains as network input, for training, validation and testing."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn._time_steps import nearest_step
from spikelearn.networks.spiking_cnn import SpikingCNN
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.stimuli.datasets import is_own, load_dataset
from spikelearn.stimuli.events import EventDataset, EventPart, as_spikes
from spikelearn.stimuli.images import ImageDataset, network_images
from spikelearn.training.config import TrainConfig
from spikelearn.training.own_images import input_shape

if TYPE_CHECKING:
    from spikelearn.training.config import STDPConfig


@dataclass(frozen=True)
class Split:
    """Images as network input, float32 of shape (n, inputs), and labels, int64 of shape (n,).

    Spike trains are uint8 of shape (n, steps, inputs), the number of spikes of each input in each
    step.
    """

    x: torch.Tensor
    y: torch.Tensor

    def to(self, device: str) -> Split:
        """The same on another device."""
        return Split(self.x.to(device), self.y.to(device))


def split(data: ImageDataset, config: TrainConfig) -> tuple[Split, Split, Split]:
    """Training, validation and test images. The same for every rule and model of one seed.

    Validation images are drawn at random; where neighbours overlap, they are the last, and those
    that share something with them are left out.

    Raises
    ------
    SpikelearnError
        If there are fewer training images than asked for, or the model does not fit the data.
    """
    shape = fitting_shape(data, config)
    _check_probabilities(config)
    kept, held = _divided(
        len(data.train_images), f"{data.name} ({data.source})", config, data.overlap
    )
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


def _check_probabilities(config: TrainConfig) -> None:
    """Refuse pixels that would have to spike more than once a step, or less than never."""
    model = config.description()
    if not isinstance(model, SpikingMLP | SpikingCNN) or getattr(model, "input", "rate") != "rate":
        return
    low, high = config.input_range
    highest = 1000.0 / (model.dt_ms * max(high, 1.0))
    if model.max_rate_hz > highest * (1 + 1e-9):
        raise SpikelearnError(
            f"model '{config.model}': a pixel of an image spikes once a step of {model.dt_ms:g} ms"
            f" at most, so that max_rate_hz may be {highest:g} Hz, found {model.max_rate_hz:g} Hz;"
            " use a smaller dt_ms"
        )
    if low < 0:
        raise SpikelearnError(
            f"model '{config.model}' shows images as rates of spikes, which are not negative, but"
            f" input_range begins at {low:g}"
        )


def split_events(data: EventDataset, config: TrainConfig) -> tuple[Split, Split, Split]:
    """Training, validation and test recordings, as spikes in the model's time steps.

    Raises
    ------
    SpikelearnError
        If there are fewer training recordings than asked for, or the model does not fit the data.
    """
    model = config.description()
    if not isinstance(model, SpikingMLP | SpikingCNN):
        raise SpikelearnError(
            f"{data.name} has spike trains: train a model of kind spiking_mlp or spiking_cnn on it;"
            f" {config.model} is of kind {model.kind}"
        )
    wanted = data.train.n_units, len(data.classes)
    if (model.n_inputs, model.n_classes) != wanted:
        raise SpikelearnError(
            f"model '{config.model}' takes {model.n_inputs} inputs and gives {model.n_classes}"
            f" outputs; the data have {counted(wanted[0], 'source')} of spikes and"
            f" {counted(wanted[1], 'class', 'classes')}"
        )
    kept, held = _divided(len(data.train), f"{data.name} ({data.source})", config)
    n_steps = nearest_step(model.duration_ms, model.dt_ms)
    learned = _events(data.train, np.concatenate([kept, held]), model.dt_ms, n_steps)
    cut = len(kept)
    return (
        Split(learned.x[:cut], learned.y[:cut]),
        Split(learned.x[cut:], learned.y[cut:]),
        _events(data.test, np.arange(len(data.test)), model.dt_ms, n_steps),
    )


def _events(part: EventPart, chosen: np.ndarray, dt_ms: float, n_steps: int) -> Split:
    return Split(as_spikes(part, chosen, dt_ms, n_steps), torch.from_numpy(part.labels[chosen]))


def _divided(
    n: int, of_what: str, config: TrainConfig, overlap: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Which of `n` training examples are learned, and which are for validation."""
    order = np.arange(n) if overlap else generator(config.seed, "split").permutation(n)
    if config.n_train is not None:
        if config.n_train > n:
            raise SpikelearnError(
                f"n_train is {config.n_train}, but {of_what} has {n} training images"
            )
        order = order[: config.n_train]
    n_validation = max(1, round(config.validation_fraction * len(order)))
    if n_validation + overlap >= len(order):
        raise SpikelearnError("no training image is left beside those for validation")
    return order[: -n_validation - overlap], order[-n_validation:]


def as_input(
    images: np.ndarray, shape: tuple[int, int, int], input_range: tuple[float, float]
) -> torch.Tensor:
    """Images as input of a network, flattened.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width) or (n, height, width, channels)
    shape : (int, int, int)
        Channels, height and width that the network takes.
    input_range : (float, float)
        What black and white become.

    Returns
    -------
    float32 tensor of shape (n, channels * height * width)
    """
    low, high = input_range
    x = torch.from_numpy(network_images(images, shape))
    return x if (low, high) == (0.0, 1.0) else x.mul_(high - low).add_(low)


def load_images(config: TrainConfig | STDPConfig, source: str) -> ImageDataset:
    """The images that a run learns; a user's own of several sizes in the size of the model.

    Parameters
    ----------
    config : TrainConfig or STDPConfig
    source : str
        Which copy of the data set.
    """
    shape = input_shape(config.description())
    size = None if shape is None else shape[1:]
    return load_dataset(config.dataset, source, config.image_range, config.background, size)


def images_of_run(config: TrainConfig | STDPConfig, complete: Mapping[str, Any]) -> ImageDataset:
    """`load_images` of a run, which says what is done to them, where something is.

    Parameters
    ----------
    config : TrainConfig or STDPConfig
    complete : mapping
        What decides the run.
    """
    if complete.get("images"):
        warnings.warn(f"the images of {complete['dataset']} are {complete['images']}", stacklevel=3)
    return load_images(config, complete["source"])


def fitting_shape(data: ImageDataset, config: TrainConfig) -> tuple[int, int, int]:
    """Image shape of the model: channels, height, width.

    Raises
    ------
    SpikelearnError
        If the model's ends do not fit the data: the number of classes, and the images where they
        are not a user's own.
    """
    model = config.description()
    height, width, *colours = data.train_images.shape[1:]
    wanted = (colours[0] if colours else 1, height, width)
    shape, n_classes = model.image_shape, model.n_classes  # type: ignore[union-attr]
    fits = shape == wanted or (shape is not None and is_own(config.dataset))
    if not fits or n_classes != len(data.classes):
        taken = " x ".join(map(str, shape)) if shape else str(model.n_inputs)  # type: ignore[union-attr]
        raise SpikelearnError(
            f"model '{config.model}' takes {taken} inputs and gives {n_classes} outputs; the"
            f" data have {' x '.join(map(str, wanted))} ="
            f" {counted(int(np.prod(wanted)), 'pixel')} and"
            f" {counted(len(data.classes), 'class', 'classes')}"
        )
    return shape  # type: ignore[return-value]
