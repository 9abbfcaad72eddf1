"""Receptive fields: every neuron's weights stand where its class says."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn import SpikelearnError
from spikelearn.report import receptive_fields
from spikelearn.report.receptive_fields import save_receptive_fields


def test_neurons_of_a_class_stand_together(tmp_path, drawn):
    weights = np.arange(4 * 3, dtype=float).reshape(4, 3)
    figure = drawn(
        save_receptive_fields, receptive_fields, weights, tmp_path / "f.png", np.array([2, -1, 0])
    )
    sheet = figure.axes[0].images[0].get_array()
    first, second, third = sheet[:2, :2], sheet[:2, 3:5], sheet[3:5, :2]
    for shown, neuron in ((first, 1), (second, 2), (third, 0)):
        np.testing.assert_array_equal(shown, weights[:, neuron].reshape(2, 2))
    assert "onto 3 neurons, by the class" in figure.axes[0].get_title("left")
    assert figure.axes[1].get_ylabel() == "weight"


def test_the_scale_says_the_unit_of_the_weights(tmp_path, drawn):
    given = (receptive_fields, np.ones((4, 3)), tmp_path / "f.png", None, "nS")
    figure = drawn(save_receptive_fields, *given)
    assert figure.axes[1].get_ylabel() == "weight (nS)"


def test_inputs_that_make_no_square_are_refused(tmp_path):
    with pytest.raises(SpikelearnError, match="5 inputs are no square"):
        save_receptive_fields(np.zeros((5, 2)), tmp_path / "f.png")
