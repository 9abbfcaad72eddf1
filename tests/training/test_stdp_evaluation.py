"""Neurons take labels, and images are told apart."""

from __future__ import annotations

import numpy as np

from spikelearn.training.stdp_evaluation import assign_labels, predict


def test_labels_go_to_the_class_answered_most_and_silent_neurons_get_none():
    answers = np.array([[3, 0, 0], [5, 1, 0], [0, 2, 0]])
    classes = np.array([0, 0, 1])
    np.testing.assert_array_equal(assign_labels(answers, classes, 2), [0, 1, -1])


def test_predictions_average_over_the_neurons_of_a_class():
    labels = np.array([0, 0, 1, -1])
    answers = np.array([[2, 2, 3, 9], [4, 4, 3, 9], [0, 0, 0, 9]])
    np.testing.assert_array_equal(predict(answers, labels, 3), [1, 0, 0])
