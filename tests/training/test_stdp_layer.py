"""What carries over from image to image."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn.networks.spiking import AdaptiveLIF, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus
from spikelearn.training.stdp_layer import plastic_projection, slowed, theta_after


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
