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


@pytest.mark.parametrize("refractory_steps", [0, 1, 2, 7])
def test_neurons_that_spike_at_all_times_are_each_held_for_their_time(refractory_steps) -> None:
    n_neurons, n_steps = 9, 120
    rng = np.random.default_rng(refractory_steps)
    arrives = rng.random((n_steps, n_neurons)) < np.linspace(0.1, 0.9, n_neurons)
    arrives[60:64] = True  # all at once
    network = SpikingNetwork(
        name="held",
        populations={
            "in": {"model": "spike_source", "size": n_neurons},
            "n": {
                "model": "lif", "size": n_neurons, "v_rest_mv": 0.0, "v_reset_mv": -1.0,
                "v_threshold_mv": 5.0, "tau_m_ms": 10.0, "refractory_ms": 0.5 * refractory_steps,
            },
        },
        projections=(
            {"source": "in", "target": "n", "weight_mv": 3.0, "delay_ms": 0.0,
             "connectivity": {"kind": "one_to_one"}},
        ),
    )  # fmt: skip
    times = [(0.5 * np.flatnonzero(of)).tolist() for of in arrives.T]
    shown = Stimulus.from_spike_times("in", times)
    found = simulate(network, shown, 0.5 * n_steps, 0.5, "native", record=("n",))
    v, last, expected, spiked = np.zeros(n_neurons), np.full(n_neurons, -99), [], []
    for step in range(n_steps):
        free = step - last >= max(refractory_steps, 1)
        v = np.where(free, v * np.exp(-0.05) + 3.0 * arrives[step], v)
        spikes = free & (v > 5.0)
        v = np.where(spikes, -1.0, v)
        last[spikes] = step
        spiked += [(step, neuron) for neuron in np.flatnonzero(spikes).tolist()]
        expected.append(v)
    np.testing.assert_allclose(found.states["n.v_mv"][0], expected, rtol=1e-12, atol=1e-12)
    steps = np.rint(found["n"].times_ms / 0.5).astype(int).tolist()
    assert list(zip(steps, found["n"].senders.tolist(), strict=True)) == spiked
    assert len(spiked) > 2 * n_neurons


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
