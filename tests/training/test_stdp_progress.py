"""The accuracy so far of a layer that learns: by labels from the images before the latest."""

from __future__ import annotations

import math

import numpy as np

from spikelearn.training.config import STDPConfig
from spikelearn.training.stdp_checkpoint import State
from spikelearn.training.stdp_progress import WINDOW, judge, progress_words


def state(answers: list[list[int]], classes: list[int]) -> State:
    return State(
        np.zeros((1, 2)), np.zeros(2), [{"epoch": 1, "images": 4, "spikes_per_image": 2.0}],
        np.array(answers), np.array(classes, dtype=np.int64),
    )  # fmt: skip


def test_the_latest_images_are_judged_by_labels_from_those_before() -> None:
    # Neuron 0 answered class 1 before, neuron 1 class 0; of two new images one is told right.
    found = state([[5, 0], [0, 5], [4, 1], [0, 3]], [1, 0])
    judge(found, np.array([1, 1]), 2)
    assert found.records[-1]["training_accuracy"] == 0.5
    assert list(found.classes) == [1, 0, 1, 1]


def test_before_the_first_images_nothing_is_known_and_old_ones_leave_the_window() -> None:
    first = state([[1, 0]], [])
    judge(first, np.array([1]), 2)
    assert math.isnan(first.records[-1]["training_accuracy"])
    assert progress_words(first, STDPConfig(n_train=8), 100) == "image 4 of 8, 2.0 spikes an image"
    many = state([[1, 0]] * (WINDOW + 1), [0] * WINDOW)
    judge(many, np.array([1]), 2)
    assert len(many.answers) == len(many.classes) == WINDOW
    assert many.classes[-1] == 1
    words = progress_words(many, STDPConfig(n_train=8), 100)
    assert words.endswith(", accuracy so far 0.000")
