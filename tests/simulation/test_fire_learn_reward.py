"""Who spikes, and who is held, in the native engine; times and weights by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus


def pair(arrivals_ms: list[float], plasticity: dict[str, Any] | None, **neuron: Any) -> Activity:
    """A neuron behind a synapse of 6 mV; a teacher spikes at 11 ms, a reward is at 12 ms."""
    network = SpikingNetwork(
        name="pair",
        populations={
            "in": {"model": "spike_source", "size": 1},
            "teacher": {"model": "spike_source", "size": 1},
            "reward": {"model": "spike_source", "size": 1},
            "n": {"model": "lif", "size": 1, "tau_m_ms": 10.0, "v_threshold_mv": 5.0, **neuron},
        },
        projections=(
            {
                "source": "in", "target": "n", "weight_mv": 6.0, "delay_ms": 0.0,
                "plasticity": plasticity,
            },
            {"source": "teacher", "target": "n", "weight_mv": 30.0, "delay_ms": 0.0},
        ),
        record=("n",),
    )  # fmt: skip
    given = {"in": arrivals_ms, "teacher": [11.0], "reward": [12.0]}
    spikes = {
        name: PopulationSpikes.from_unsorted(1, np.array(times), np.zeros(len(times), dtype=int))
        for name, times in given.items()
    }
    return simulate(network, Stimulus(spikes=spikes), 20.0, 0.5, "native", record=("n",))


def test_a_refractory_neuron_neither_moves_nor_spikes() -> None:
    every = [2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0]
    free = pair(every, None)
    held = pair(every, None, refractory_ms=1.5)
    assert free["n"].times_ms.tolist() == [*every, 11.0]
    assert held["n"].times_ms.tolist() == [2.0, 3.5, 5.0, 11.0]


def test_a_potential_falls_by_its_exponential_and_is_reset() -> None:
    v = pair([4.0], None, v_threshold_mv=7.0).states["n.v_mv"][0, :, 0]
    steps = np.arange(8, 22)
    rest = v[0]
    assert np.allclose(v[steps] - rest, 6.0 * np.exp(-(steps - 8) * 0.5 / 10.0))
    assert (v[22:] == rest).all()


STDP = {"rule": "stdp", "w_min": 0.0, "w_max": 9.0, "a_plus": 0.5, "a_minus": 0.25}


def test_a_synapse_grows_by_the_time_between_its_arrival_and_the_spike() -> None:
    weight = pair([8.0], {**STDP, "tau_plus_ms": 20.0}, v_threshold_mv=7.0).weights["in->n"]
    assert weight[0, 0] == pytest.approx(6.0 + 0.5 * np.exp(-3.0 / 20.0), rel=1e-12)


def test_a_reward_pays_what_the_eligibility_still_is() -> None:
    rule = {
        **STDP, "rule": "dopamine_stdp", "modulator": "reward", "reward": [2.0],
        "tau_plus_ms": 20.0, "tau_eligibility_ms": 50.0, "tau_reward_ms": 0.0,
    }  # fmt: skip
    weight = pair([8.0], rule, v_threshold_mv=7.0).weights["in->n"]
    mark = 0.5 * np.exp(-3.0 / 20.0) * np.exp(-1.0 / 50.0)
    assert weight[0, 0] == pytest.approx(6.0 + 2.0 * mark, rel=1e-12)
