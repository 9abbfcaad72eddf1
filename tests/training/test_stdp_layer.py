"""What carries over from image to image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikelearn import SpikelearnError
from spikelearn.networks.spiking import AdaptiveLIF, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus
from spikelearn.training.stdp_layer import (
    check_sums,
    freeze,
    initial_weights,
    plastic_projection,
    slowed,
    theta_after,
    weight_matrix,
    with_synapses,
)


def test_thresholds_carry_over_as_the_simulation_had_them():
    """Threshold rise from the spikes alone, against a neuron cut into two trials and in one."""
    increment, tau, dt, half = 3.0, 80.0, 0.5, 60.0
    neurons = AdaptiveLIF(
        size=2, tau_m_ms=10.0, v_threshold_mv=[5.0, 8.0], threshold_increment_mv=increment,
        tau_threshold_ms=tau,
    )  # fmt: skip

    def spikes_for(steps, theta):
        n = neurons.model_copy(update={"threshold_offset_mv": theta})
        network = SpikingNetwork(name="n", populations={"n": n})
        drive = {"n": np.full((1, steps, 1), 20.0)}
        return simulate(network, Stimulus(currents_mv=drive), steps * dt, dt, "snntorch")["n"]

    steps = round(half / dt)
    first = spikes_for(steps, np.zeros(2))
    theta = theta_after(neurons, np.zeros(2), first, half, dt)
    # By hand: decay every step, raise at each spike.
    by_hand = np.zeros(2)
    fired = {(round(t / dt), s) for t, s in zip(first.times_ms, first.senders, strict=True)}
    for step in range(steps):
        by_hand *= np.exp(-dt / tau)
        by_hand += increment * np.array([(step, 0) in fired, (step, 1) in fired])
    assert len(first) > 4
    np.testing.assert_allclose(theta, by_hand, rtol=1e-12)


def test_homeostasis_slows_as_one_over_time_and_balances_at_the_same_rate():
    network = SpikingNetwork.from_yaml("diehl_cook2015")
    layer = plastic_projection(network)
    usual = network.populations[layer.target]
    tau = usual.tau_threshold_ms
    for shown_ms, factor in ((0.0, 1.0), (tau, 1.0), (2.5 * tau, 2.5), (9 * tau, 9.0)):
        neurons = slowed(network, layer, shown_ms).populations[layer.target]
        assert neurons.tau_threshold_ms == pytest.approx(factor * tau)
        assert neurons.threshold_increment_mv == pytest.approx(0.05 / factor)
    # With gains of 1 / time a threshold is the mean over all spikes: the same, however they lie.
    rates, dt_ms = np.full(90, 40.0), tau / 10
    rises = []
    for order in (np.arange(90) % 2 == 0, np.arange(90) < 45):
        theta, shown_ms = 0.0, tau
        for spikes in np.where(order, rates, 0.0):
            neurons = slowed(network, layer, shown_ms).populations[layer.target]
            theta *= np.exp(-dt_ms / neurons.tau_threshold_ms)
            theta += neurons.threshold_increment_mv * spikes
            shown_ms += dt_ms
        rises.append(theta)
    assert rises[0] == pytest.approx(rises[1], rel=0.06)


def small(connectivity: dict[str, Any], size: int = 6, **rule: Any) -> SpikingNetwork:
    network = SpikingNetwork.from_yaml("competitive_stdp")
    changed = {
        "populations.input.size": 64,
        "populations.excitatory.size": size,
        "projections[input->excitatory].connectivity": connectivity,
        **{f"projections[input->excitatory].plasticity.{k}": v for k, v in rule.items()},
    }
    return network.changed(changed)


TWICE = {"kind": "pairs", "pre": [0, 5, 0, 9], "post": [1, 0, 1, 3]}


@pytest.mark.parametrize(
    "connectivity",
    [
        {"kind": "fixed_probability", "probability": 0.5},
        {"kind": "fixed_total_number", "number": 300},
        TWICE,
    ],
    ids=lambda c: c["kind"],
)
def test_synapses_of_a_layer_are_drawn_once_and_keep_their_sum(connectivity) -> None:
    network = small(connectivity, normalise_sum=0.9)
    drawn, layer = with_synapses(network, plastic_projection(network), 3)
    pairs = layer.connectivity
    again, _ = with_synapses(network, plastic_projection(network), 3)
    np.testing.assert_array_equal(again.projections[0].connectivity.pre, pairs.pre)
    weights = initial_weights(drawn, layer, 3)
    assert weights.shape == pairs.pre.shape == layer.weight.shape
    sums = np.bincount(pairs.post, weights, minlength=6)
    has = np.bincount(pairs.post, minlength=6) > 0
    np.testing.assert_allclose(sums[has], 0.9, rtol=1e-12)
    frozen = freeze(drawn, layer, weights, np.zeros(6))
    matrix = np.zeros((64, 6))
    np.add.at(matrix, (pairs.pre, pairs.post), weights)
    np.testing.assert_allclose(weight_matrix(frozen, layer.name), matrix, rtol=1e-12)


def test_neurons_with_too_few_synapses_for_their_sum_are_told() -> None:
    network = small(TWICE, normalise_sum=1.5)
    drawn, layer = with_synapses(network, plastic_projection(network), 0)
    # Of the six, two have one synapse, one has two, and three have none.
    assert check_sums(drawn, layer).startswith("5 of 6 neurons have so few synapses (at most 1)")
    fewer = small(TWICE, normalise_sum=0.9)
    assert check_sums(*with_synapses(fewer, plastic_projection(fewer), 0)).startswith("3 of 6")
    all_bound = small(TWICE, normalise_sum=2.0)
    with pytest.raises(SpikelearnError, match="all of them stay at w_max and learn nothing"):
        check_sums(*with_synapses(all_bound, plastic_projection(all_bound), 0))
    none = small({"kind": "fixed_probability", "probability": 0.0})
    with pytest.raises(SpikelearnError, match="has no synapse; there is nothing to learn"):
        check_sums(*with_synapses(none, plastic_projection(none), 0))
