"""What a layer that STDP has trained can tell: its neurons take labels, and images are told apart.

Each neuron takes the label of the class of training images to which it answers most, and an image
is given the label whose neurons answer it most, on average. Test images take no part in the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from spikelearn._seeding import generator
from spikelearn.networks.spiking import Projection, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.encoders import RateEncoder
from spikelearn.stimuli.images import ImageDataset, network_input
from spikelearn.stimuli.stimulus import Stimulus
from spikelearn.training.config import STDPConfig
from spikelearn.training.own_images import shown_size

EVALUATION_BATCH = 250
SILENT, EXPLODING = 1.0, 1000.0  # spikes of the layer an image
MOST_REPEATS = 20  # of an image that is not answered
Progress = Callable[[float, str], None]


def evaluate(
    frozen: SpikingNetwork,
    layer: Projection,
    data: ImageDataset,
    order: np.ndarray,
    config: STDPConfig,
    say: Progress,
) -> tuple[np.ndarray, dict[str, Any], float]:
    """Label the neurons on training images, test on test images.

    Parameters
    ----------
    frozen : SpikingNetwork
        That learns no more.
    layer : Projection
        That was trained.
    data : ImageDataset
    order : int array of shape (n_training_images,)
        The first `config.n_label` of these training images label the neurons.
    config : STDPConfig
    say : callable
        Called with the fraction of the run that is done and a few words.

    Returns
    -------
    labels : int array of shape (n_neurons,)
    summary : mapping
    dead : float
        Fraction of neurons that answer no labelling image.
    """
    from spikelearn.training.measures import collapse_flag, largest_share

    n_classes = len(data.classes)
    chosen = order[: config.n_label]
    answers = respond(
        frozen, layer, data.train_images[chosen], "labelling", config,
        lambda part: say(0.9 + 0.05 * part, "labelling"),
    )  # fmt: skip
    labels = assign_labels(answers, data.train_labels[chosen], n_classes)
    answers_test = respond(
        frozen, layer, data.test_images[: config.n_test], "testing", config,
        lambda part: say(0.95 + 0.05 * part, "testing"),
    )  # fmt: skip
    predicted = predict(answers_test, labels, n_classes)
    truth = data.test_labels[: config.n_test]
    summary = {
        "test_accuracy": float(np.mean(predicted == truth)),
        # Nothing is chosen in this run: no epoch, no parameter.
        "validation_accuracy": float("nan"),
        "n_test": len(truth),
        "chance": largest_share(truth),
        "silent_images": float(np.mean(answers_test.sum(1) == 0)),
        "flag": collapse_flag(predicted, n_classes),
    }
    return labels, summary, float(np.mean(answers.sum(0) == 0))


def respond(
    frozen: SpikingNetwork,
    layer: Projection,
    images: np.ndarray,
    stream: str,
    config: STDPConfig,
    progress: Callable[[float], None] = lambda fraction: None,
) -> np.ndarray:
    """How often each neuron spikes for each image; what is not answered is shown again, brighter.

    Parameters
    ----------
    frozen : SpikingNetwork
    layer : Projection
        Its source is shown the images, its target answers.
    images : uint8 array of shape (n_images, height, width)
    stream : str
        Name of the stream of random numbers that draws the input spikes.
    config : STDPConfig
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    int array of shape (n_images, n_neurons)
    """
    intensities = network_input(images, *shown_size(images, frozen.populations[layer.source].size))
    draw = generator(config.seed, stream)
    counts = []
    for first in range(0, len(images), EVALUATION_BATCH):
        part = intensities[first : first + EVALUATION_BATCH]
        answers = _answers(frozen, layer, part, config.max_rate_hz, draw, config)
        again = np.flatnonzero(answers.sum(1) < config.min_spikes)
        for attempt in range(1, MOST_REPEATS + 1):
            rate = config.max_rate_hz + attempt * config.raise_hz
            if not again.size:
                break
            answers[again] = _answers(frozen, layer, part[again], rate, draw, config)
            again = again[answers[again].sum(1) < config.min_spikes]
        counts.append(answers)
        progress(min(1.0, (first + len(part)) / len(images)))
    return np.concatenate(counts)


def _answers(
    frozen: SpikingNetwork,
    layer: Projection,
    intensities: np.ndarray,
    max_rate_hz: float,
    draw: np.random.Generator,
    config: STDPConfig,
) -> np.ndarray:
    encoder = RateEncoder(max_rate_hz=max_rate_hz)
    spikes = encoder.encode(intensities, config.present_ms, config.dt_ms, draw)
    labels = tuple(str(i) for i in range(len(intensities)))
    stimulus = Stimulus(labels, {layer.source: spikes})
    # A frozen layer is the same on all backends.
    activity = simulate(frozen, stimulus, config.present_ms, config.dt_ms, "auto", config.seed)
    return activity[layer.target].counts(len(intensities))


def assign_labels(answers: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Class each neuron answers most, on average over its images.

    Parameters
    ----------
    answers : int array of shape (n_images, n_neurons)
        Spike counts.
    classes : int array of shape (n_images,)
    n_classes : int

    Returns
    -------
    int array of shape (n_neurons,)
        -1 for neurons that never answer.
    """
    images, neurons = np.nonzero(answers)  # few: a layer that competes answers with a few spikes
    places = np.asarray(classes, dtype=np.int64)[images] * answers.shape[1] + neurons
    size = n_classes * answers.shape[1]
    sums = np.bincount(places, answers[images, neurons], minlength=size).reshape(n_classes, -1)
    means = sums / np.maximum(np.bincount(classes, minlength=n_classes), 1)[:, None]
    return np.where(sums.any(0), means.argmax(0), -1)


def predict(answers: np.ndarray, labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Class whose neurons answer most, on average.

    Parameters
    ----------
    answers : int array of shape (n_images, n_neurons)
        Spike counts.
    labels : int array of shape (n_neurons,)
        Class of each neuron, as `assign_labels` gives it.
    n_classes : int

    Returns
    -------
    int array of shape (n_images,)
        Class 0 where no neuron answers.
    """
    votes = np.stack(
        [
            answers[:, labels == c].mean(1) if (labels == c).any() else np.zeros(len(answers))
            for c in range(n_classes)
        ],
        axis=1,
    )
    return votes.argmax(1)


def rates_warning(records: Sequence[Mapping[str, float]]) -> str:
    """What is wrong with the rates of the latest chunks, and what helps; empty if nothing is."""
    rate = float(np.mean([r["spikes_per_image"] for r in records[-10:]]))
    if rate < SILENT:
        return (
            f"the layer hardly spikes ({rate:.2g} spikes an image): raise max_rate_hz or"
            " normalise_sum, or lower the thresholds"
        )
    if rate > EXPLODING:
        return (
            f"the layer spikes {rate:.0f} times an image: lower max_rate_hz or normalise_sum, or"
            " strengthen the inhibition"
        )
    return ""
