"""Neurons take labels, and images are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._threads import at_most
from spikelearn.training.config import STDPConfig
from spikelearn.training.stdp_evaluation import assign_labels, predict, respond
from spikelearn.training.stdp_layer import freeze, initial_weights, plastic_projection


def test_labels_go_to_the_class_answered_most_and_silent_neurons_get_none():
    answers = np.array([[3, 0, 0], [5, 1, 0], [0, 2, 0]])
    classes = np.array([0, 0, 1])
    np.testing.assert_array_equal(assign_labels(answers, classes, 2), [0, 1, -1])


@pytest.mark.parametrize("kind", [np.uint8, np.int64])
def test_labels_are_those_of_the_largest_mean_count(kind):
    """Also of ties, of neurons that never answer, and of a class that is not shown."""
    random = np.random.default_rng(3)
    answers = random.integers(0, 4, (60, 300)) * (random.random((60, 300)) < 0.05)
    answers[:, 7] = 0
    classes = random.choice([0, 1, 2, 4, 5], 60).astype(kind)
    means = np.stack(
        [answers[classes == c].mean(0) if (classes == c).any() else np.zeros(300) for c in range(6)]
    )
    expected = np.where(answers.any(0), means.argmax(0), -1)
    found = assign_labels(answers, classes, 6)
    np.testing.assert_array_equal(found, expected)
    assert found[7] == -1
    assert set(found.tolist()) == {-1, 0, 1, 2, 4, 5}


def test_predictions_average_over_the_neurons_of_a_class():
    labels = np.array([0, 0, 1, -1])
    answers = np.array([[2, 2, 3, 9], [4, 4, 3, 9], [0, 0, 0, 9]])
    np.testing.assert_array_equal(predict(answers, labels, 3), [1, 0, 0])


def test_images_are_answered_alike_on_any_number_of_threads():
    config = STDPConfig(rule="stdp", present_ms=50.0, min_spikes=3)
    network = config.description()
    layer = plastic_projection(network)
    size = network.populations[layer.target].size
    frozen = freeze(network, layer, initial_weights(network, layer, 0), np.zeros(size))
    images = np.random.default_rng(0).integers(0, 255, (5, 28, 28), dtype=np.uint8)
    found = []
    for number in (1, 2):
        with at_most(number):
            found.append(respond(frozen, layer, images, "testing", config))
    np.testing.assert_array_equal(*found)
    assert (found[0].sum(1) >= 3).all()
