"""What is done to a user's own images that a model takes as others: in which size and colours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.stimuli import user_images as own
from spikelearn.stimuli.datasets import is_own
from spikelearn.training.stdp_layer import plastic_projection


def input_shape(model: Any) -> tuple[int, int, int] | None:
    """Channels, height and width of the images that a model takes; None where it takes others.

    A network of spikes in which a layer learns by STDP takes grey squares, where its source is one.
    """
    if not isinstance(model, SpikingNetwork):
        shape: tuple[int, int, int] | None = model.image_shape
        return shape
    size = model.populations[plastic_projection(model).source].size
    side = math.isqrt(size)
    return (1, side, side) if side * side == size else None


def shown_size(images: np.ndarray, n_inputs: int) -> tuple[int, int]:
    """Height and width in which images are shown to a source of spikes: a square, if it is one.

    Parameters
    ----------
    images : array of shape (n, height, width[, 3])
    n_inputs : int
        Neurons of the source.
    """
    side = math.isqrt(n_inputs)
    height, width = (side, side) if side * side == n_inputs else images.shape[1:3]
    return height, width


def preparation_of(dataset: str, model: Any, background: str | None) -> str:
    """What is done to a user's own images that the model takes as others; empty where nothing is.

    They are turned to what the model takes as the images of a recording are when it is compared:
    luminance, and area averaging. Data sets of ours must fit the model as they are.

    Parameters
    ----------
    dataset : str
        Name of a data set, or path of a user's own.
    model : description of a network
    background : str or None
        The colour under transparent images.
    """
    if not is_own(dataset):
        return ""
    shape = input_shape(model)
    return "" if shape is None else own.preparation(dataset, shape, background)
