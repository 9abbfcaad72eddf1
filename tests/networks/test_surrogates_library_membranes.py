"""Surrogate derivatives, and a layer that learns by them on the neurons of a library."""

from __future__ import annotations

import math

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks.library_membranes import LIBRARIES, stepwise
from spikelearn.networks.lif_scan import Neurons, scan
from spikelearn.networks.surrogates import SURROGATES, surrogate

# Heights at threshold and integrals over the distance, for a slope of 4 per mV.
SHAPES = {
    "fast_sigmoid": (1.0, 2 / 4), "superspike": (1.0, 2 / 4), "arctan": (4 / 2, 1.0),
    "sigmoid": (4 / 4, 1.0), "triangle": (1.0, 1 / 4), "box": (1.0, 1 / 4),
    "gaussian": (1.0, math.sqrt(2 * math.pi) / 4),
}  # fmt: skip


@pytest.mark.parametrize("name", SURROGATES)
def test_a_surrogate_has_its_height_and_area(name: str) -> None:
    height, area = SHAPES[name]
    psi = surrogate(name, 4.0)
    assert psi(torch.zeros(1, dtype=torch.float64)).item() == pytest.approx(height)
    x = torch.linspace(-4000, 4000, 16_000_001, dtype=torch.float64)
    assert torch.trapezoid(psi(x), x).item() == pytest.approx(area, rel=2e-3)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("zero", [False, True])
def test_the_neurons_of_a_library_spike_and_learn_as_ours(library: str, zero: bool) -> None:
    neurons = Neurons(beta=0.9, threshold_mv=1.0, rho=0.95, increment_mv=0.2, zero=zero)
    generator = torch.Generator().manual_seed(0)
    drives = torch.rand(20, 3, 4, generator=generator, dtype=torch.float64)
    within = 0.1 * torch.randn(4, 4, generator=generator, dtype=torch.float64)
    found = []
    for run in (scan, lambda *given: stepwise(library, *given)):
        inputs = [drives.clone().requires_grad_(), within.clone().requires_grad_()]
        spikes = run(inputs[0], neurons, surrogate("fast_sigmoid"), inputs[1])
        weights = torch.arange(spikes.numel(), dtype=spikes.dtype).view_as(spikes)
        found.append([spikes, *torch.autograd.grad((spikes * weights).sum(), inputs)])
    assert found[0][0].sum() > 20
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(theirs, ours, rtol=1e-6, atol=1e-9)


def test_a_library_or_surrogate_that_is_not_there_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="native, snntorch or norse"):
        stepwise("nest", torch.zeros(1, 1, 1), Neurons(0.9, 1.0), surrogate())
    with pytest.raises(SpikelearnError, match="gaussian"):
        surrogate("step")
