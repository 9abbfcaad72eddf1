"""Populations that have spikes and no membrane."""

from __future__ import annotations

from typing import Any

import pytest

from spikelearn.networks.neurons import (
    LIF,
    SpikeSource,
)
from spikelearn.networks.spiking import Projection, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus


def test_a_source_repeats_what_it_is_given_and_takes_no_input() -> None:
    populations: Any = {
        "in": {"model": "spike_source", "size": 2},
        "n": LIF(size=1, v_threshold_mv=1.0),
    }
    network = SpikingNetwork(name="x", populations=populations, record=("in",))
    assert network.populations["in"] == SpikeSource(model="spike_source", size=2)
    activity = simulate(network, Stimulus.from_spike_times("in", [[1.0], [2.0, 3.0]]), 5.0, 0.5)
    assert activity["in"].times_ms.tolist() == [1.0, 2.0, 3.0]
    assert activity["in"].senders.tolist() == [0, 1, 1]
    with pytest.raises(ValueError, match="a spike source takes no input"):
        SpikingNetwork(
            name="x", populations=populations,
            projections=(Projection(source="n", target="in", weight_mv=1.0),),
        )  # fmt: skip
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        SpikeSource(model="spike_source", size=0)
