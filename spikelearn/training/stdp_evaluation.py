"""What a layer that STDP has trained can tell: its neurons take labels, and images are told apart.

Each neuron takes the label of the class of training images to which it answers most, and an image
is given the label whose neurons answer it most, on average. Test images take no part in the labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Evaluated:
    """How far the evaluation of a layer has come, from which it can go on.

    Attributes
    ----------
    sums : array of shape (n_classes, n_neurons)
        Spikes of each neuron for labelling images of each class.
    n_labelled : int
        Labelling images so far.
    predicted : int array of shape (n_tested,)
        Classes of the test images so far.
    n_silent : int
        Those of them that no neuron answered.
    draws : mapping or None
        The state of the generator of input spikes; None where a part begins.
    """

    sums: np.ndarray
    n_labelled: int
    predicted: np.ndarray
    n_silent: int
    draws: Mapping[str, Any] | None = None


def evaluate(
    frozen: SpikingNetwork,
    layer: Projection,
    data: ImageDataset,
    order: np.ndarray,
    config: STDPConfig,
    say: Progress,
    begun: Evaluated | None = None,
    keep: Callable[[Evaluated], None] = lambda evaluated: None,
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
    begun : Evaluated, optional
        What has been done of it.
    keep : callable, optional
        Called from time to time with what has been done.

    Returns
    -------
    labels : int array of shape (n_neurons,)
    summary : mapping
    dead : float
        Fraction of neurons that answer no labelling image.
    """
    from spikelearn.training.measures import collapse_flag, largest_share

    n_classes, n_neurons = len(data.classes), frozen.populations[layer.target].size
    nothing = np.zeros((n_classes, n_neurons)), 0, np.zeros(0, dtype=np.int64), 0
    so_far = begun or Evaluated(*nothing)
    chosen = order[: config.n_label]
    classes = data.train_labels[chosen]
    for answers, draws in _in_batches(
        frozen, layer, data.train_images[chosen], "labelling", config, so_far.n_labelled,
        so_far.draws,
    ):  # fmt: skip
        done = so_far.n_labelled + len(answers)
        sums = so_far.sums + _sums(answers, classes[so_far.n_labelled : done], n_classes)
        so_far = replace(
            so_far, sums=sums, n_labelled=done, draws=None if done == len(chosen) else draws
        )
        keep(so_far)
        say(0.9 + 0.05 * done / len(chosen), "labelling")
    labels = _labels(so_far.sums, classes)
    images, truth = data.test_images[: config.n_test], data.test_labels[: config.n_test]
    for answers, draws in _in_batches(
        frozen, layer, images, "testing", config, len(so_far.predicted), so_far.draws
    ):
        predicted = np.concatenate([so_far.predicted, predict(answers, labels, n_classes)])
        silent = so_far.n_silent + int((answers.sum(1) == 0).sum())
        so_far = replace(so_far, predicted=predicted, n_silent=silent, draws=draws)
        keep(so_far)
        say(0.95 + 0.05 * len(predicted) / len(images), "testing")
    summary = {
        "test_accuracy": float(np.mean(so_far.predicted == truth)),
        # Nothing is chosen in this run: no epoch, no parameter.
        "validation_accuracy": float("nan"),
        "n_test": len(truth),
        "chance": largest_share(truth),
        "silent_images": so_far.n_silent / len(truth),
        "flag": collapse_flag(so_far.predicted, n_classes),
    }
    return labels, summary, float(np.mean(so_far.sums.sum(0) == 0))


def respond(
    frozen: SpikingNetwork,
    layer: Projection,
    images: np.ndarray,
    stream: str,
    config: STDPConfig,
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

    Returns
    -------
    int array of shape (n_images, n_neurons)
    """
    found = _in_batches(frozen, layer, images, stream, config, 0, None)
    return np.concatenate([answers for answers, _ in found])


def _in_batches(
    frozen: SpikingNetwork,
    layer: Projection,
    images: np.ndarray,
    stream: str,
    config: STDPConfig,
    done: int,
    draws: Mapping[str, Any] | None,
) -> Iterator[tuple[np.ndarray, Mapping[str, Any]]]:
    """The same for so many images at a time, from number `done` on; and where the draws are."""
    size = shown_size(images, frozen.populations[layer.source].size)
    draw = generator(config.seed, stream)
    if draws is not None:
        draw.bit_generator.state = draws
    for first in range(done, len(images), EVALUATION_BATCH):
        part = network_input(images[first : first + EVALUATION_BATCH], *size)
        answers = _answers(frozen, layer, part, config.max_rate_hz, draw, config)
        again = np.flatnonzero(answers.sum(1) < config.min_spikes)
        for attempt in range(1, MOST_REPEATS + 1):
            rate = config.max_rate_hz + attempt * config.raise_hz
            if not again.size:
                break
            answers[again] = _answers(frozen, layer, part[again], rate, draw, config)
            again = again[answers[again].sum(1) < config.min_spikes]
        yield answers, draw.bit_generator.state


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
    return _labels(_sums(answers, classes, n_classes), classes)


def _sums(answers: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Spikes of each neuron for the images of each class, shape (n_classes, n_neurons)."""
    images, neurons = np.nonzero(answers)  # few: a layer that competes answers with a few spikes
    places = np.asarray(classes, dtype=np.int64)[images] * answers.shape[1] + neurons
    size = n_classes * answers.shape[1]
    return np.bincount(places, answers[images, neurons], minlength=size).reshape(n_classes, -1)


def _labels(sums: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The class of the largest mean, of sums over images of these classes; -1 where all are 0."""
    means = sums / np.maximum(np.bincount(classes, minlength=len(sums)), 1)[:, None]
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
