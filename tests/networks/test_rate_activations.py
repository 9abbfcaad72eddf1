"""Nonlinearities: their slopes, against finite differences."""

from __future__ import annotations

import pytest
import torch

from spikelearn.networks.activations import ACTIVATIONS


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_finite_differences(name: str) -> None:
    activation = ACTIVATIONS[name]
    z = torch.tensor([-2.3, -0.7, -0.2, 0.3, 0.6, 1.9], dtype=torch.float64)
    h, step = activation.function(z), 1e-6
    difference = (activation.function(z + step) - activation.function(z - step)) / (2 * step)
    torch.testing.assert_close(activation.slope(z, h), difference, rtol=1e-6, atol=1e-8)
    signal = torch.randn_like(z)
    torch.testing.assert_close(activation.back(signal, z, h), signal * activation.slope(z, h))
