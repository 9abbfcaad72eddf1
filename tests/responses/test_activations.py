"""Activations of layers as responses."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.responses import (
    activation_responses,
)


def test_activations_become_responses_with_maps_flattened() -> None:
    import torch

    maps = torch.arange(24.0, requires_grad=True).reshape(2, 3, 4)
    responses = activation_responses({"conv": maps, "out": np.eye(2)}, ["dog", "cat"])
    assert list(responses) == ["conv", "out"]
    assert responses["conv"].shape == (2, 12)
    np.testing.assert_array_equal(responses["conv"].sel(stimulus="cat"), np.arange(12, 24))
    assert responses["conv"]["layer"].item() == "conv"


def test_activations_that_do_not_fit_the_labels_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="layer 'h' must have one activation"):
        activation_responses({"h": np.zeros((3, 2))}, ["dog", "cat"])
    with pytest.raises(SpikelearnError, match="not finite"):
        activation_responses({"h": np.full((2, 2), np.inf)}, ["dog", "cat"])


def test_activations_name_their_units_and_their_source() -> None:
    response = activation_responses({"h": np.eye(2)}, ["a", "b"])["h"]
    assert response.attrs == {"units": "dimensionless", "source": "activations of layer h"}
