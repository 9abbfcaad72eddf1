"""A protocol is realised for a network: with its sources, on its grid."""

from __future__ import annotations

import numpy as np

from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate, stimulus_for


def test_a_shipped_protocol_is_shown_to_every_source_and_is_the_seeds() -> None:
    network = load_model("lif_feedforward")
    assert isinstance(network, SpikingNetwork)
    first, again, other = (stimulus_for(network, "poisson", 50.0, 0.5, seed) for seed in (1, 1, 2))
    assert {name: s.size for name, s in first.spikes.items()} == network.sources
    for name, spikes in first.spikes.items():
        steps = spikes.times_ms / 0.5
        np.testing.assert_allclose(steps, np.rint(steps), rtol=0, atol=1e-9)
        np.testing.assert_array_equal(spikes.times_ms, again.spikes[name].times_ms)
        assert not np.array_equal(spikes.times_ms, other.spikes[name].times_ms)
    assert simulate(network, first, 50.0, 0.5).provenance["stimulus"] == dict(first.provenance)
