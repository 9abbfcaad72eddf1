"""Commands that list what there is."""

from __future__ import annotations

import pytest
from calling import call


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("rules", ["backprop", "feedback_alignment", "stdp", "surrogate"]),
        ("models", ["brunel2000", "lif_feedforward", "mlp_784"]),
        ("stimuli", ["poisson", "mnist", "kriegeskorte92"]),
        ("recordings", ["kriegeskorte92", "grasshopper"]),
    ],
)
def test_lists_have_one_line_for_each_name(command, names):
    lines = call(command).output.splitlines()
    for name in names:
        assert len([line for line in lines if line.split()[0] == name]) == 1


def test_lists_name_every_recipe_and_data_set():
    assert "mnist_mlp/backprop" in call("recipes").output
    assert "fashion_mnist" in call("datasets").output
