"""How far a layer has come that learns by STDP: its accuracy so far, and what is told of it."""

from __future__ import annotations

import numpy as np

from spikelearn.training.config import STDPConfig
from spikelearn.training.stdp_checkpoint import State
from spikelearn.training.stdp_evaluation import assign_labels, predict

WINDOW = 2000  # latest images by which neurons are labelled for the accuracy so far


def judge(state: State, classes: np.ndarray, n_classes: int) -> None:
    """Note the accuracy of the latest images by labels from those before; they join the window.

    Parameters
    ----------
    state : State
        With the answers to the latest images, and their record.
    classes : int array of shape (n_images,)
        Of the latest images.
    n_classes : int
    """
    latest = state.answers[len(state.answers) - len(classes) :]
    before = state.answers[: len(state.answers) - len(classes)]
    accuracy = float("nan")
    if len(before):
        labels = assign_labels(before, state.classes, n_classes)
        accuracy = float(np.mean(predict(latest, labels, n_classes) == classes))
    state.records[-1]["training_accuracy"] = accuracy
    state.answers = state.answers[-WINDOW:]
    state.classes = np.concatenate([state.classes, classes])[-WINDOW:]


def progress_words(state: State, config: STDPConfig, n_images: int) -> str:
    """What is told while a layer learns.

    Parameters
    ----------
    state : State
        After a part of the images.
    config : STDPConfig
    n_images : int
        Training images that there are.
    """
    n_shown = min(config.n_train or n_images, n_images) * config.epochs
    latest = state.records[-10:]
    rate = np.mean([record["spikes_per_image"] for record in latest])
    words = f"image {latest[-1]['images']:g} of {n_shown}, {rate:.1f} spikes an image"
    known = [r["training_accuracy"] for r in latest if not np.isnan(r["training_accuracy"])]
    return f"{words}, accuracy so far {np.mean(known):.3f}" if known else words
