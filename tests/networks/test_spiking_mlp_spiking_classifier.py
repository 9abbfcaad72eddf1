"""The spiking classifier: what its description says is what its exported network is."""

from __future__ import annotations

import math

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks._spiking_classifier import population_names
from spikelearn.networks.neurons import AdaptiveLIF
from spikelearn.networks.spiking_mlp import SpikingMLP


def description(**fields: object) -> SpikingMLP:
    return SpikingMLP(name="s", sizes=(4, 3, 3, 2), **fields)


def test_populations_are_named_from_input_to_output() -> None:
    assert population_names(1) == ["input", "hidden", "output"]
    assert description().populations == ["input", "hidden1", "hidden2", "output"]


def test_the_exported_network_has_the_weights_transposed_and_adapts_where_hidden() -> None:
    made = description(threshold_increment_mv=0.5, tau_threshold_ms=100.0, recurrent=True)
    network = made.build(0)
    exported = network.to_spiking_network()
    assert isinstance(exported.populations["hidden1"], AdaptiveLIF)
    assert not isinstance(exported.populations["output"], AdaptiveLIF)
    first = exported.projections[0]
    assert first.name == "input->hidden1"
    torch.testing.assert_close(torch.tensor(first.weight_mv).T.float(), network.weights[0].detach())
    assert [p.name for p in exported.projections[-2:]] == ["hidden1->hidden1", "hidden2->hidden2"]


def test_a_readout_that_does_not_spike_is_the_mean_of_a_leaky_integrator() -> None:
    made = description(readout="potential", tau_readout_ms=10.0)
    network = made.build(0)
    spikes = (torch.rand(network.n_steps, 2, 4) < 0.2).float()
    counts = network(spikes)
    decay = math.exp(-made.dt_ms / 10.0)
    assert made.readout_decay == pytest.approx(decay)
    assert counts[-1].shape == (2, 2)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tau_readout_ms": 5.0}, "add readout: potential"),
        ({"duration_ms": 30.4}, "duration_ms must be a multiple of the time step 1 ms"),
        ({"tau_threshold_ms": 5.0}, "are given together"),
        ({"sizes": (4, 0)}, "at least one neuron"),
    ],
)
def test_what_does_not_fit_is_refused(fields: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SpikingMLP(**({"name": "s", "sizes": (4, 2)} | fields))


def test_several_spikes_of_an_input_in_a_step_bring_as_many_times_its_weight() -> None:
    network = description().build(0)
    numbers = torch.randint(0, 4, (3, network.n_steps, 4), dtype=torch.uint8)
    given = network.given_spikes(numbers)
    # By single spikes: each input stands there once for each of its spikes, with one weight.
    wide = torch.zeros(3, network.n_steps, 12)
    for k in range(3):
        wide[:, :, k::3] = (numbers > k).float()
    single = description().build(0)
    single.weights[0] = torch.nn.Parameter(network.weights[0].repeat_interleave(3, 1))
    for together, apart in zip(
        network(given), single(wide.transpose(0, 1).to(given.dtype)), strict=True
    ):
        torch.testing.assert_close(together, apart)


def test_given_spikes_need_as_many_steps_as_the_network_has() -> None:
    network = description().build(0)
    with pytest.raises(SpikelearnError, match=f"7 time steps, .* has {network.n_steps}"):
        network.given_spikes(torch.zeros(1, 7, 4))
