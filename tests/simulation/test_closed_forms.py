"""Membranes, synapses and firing against textbook formulae.

Gerstner, Kistler, Naud & Paninski 2014, Neuronal Dynamics, chapter 1: the response of a leaky
membrane to a pulse, to an exponential current and to a constant one, and its interspike interval.
"""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from engines import having

from spikelearn.networks.spiking import (
    LIF,
    AdaptiveLIF,
    ExponentialSynapse,
    Projection,
    SpikeSource,
    SpikingNetwork,
)
from spikelearn.simulation import BACKENDS, simulate
from spikelearn.simulation.grid.neurons import ADAPTIVE_THRESHOLDS, SUBTRACTING_RESETS
from spikelearn.stimuli.stimulus import Stimulus

SILENT = 1e6  # a threshold that is never reached, mV


def driven(
    population: LIF, weight_mv: float, tau_ms: float | None, delay_ms: float
) -> SpikingNetwork:
    """One spike source onto `population`, through a delta synapse where `tau_ms` is None."""
    synapse = (
        {"model": "delta"}
        if tau_ms is None
        else ExponentialSynapse(model="exponential", tau_ms=tau_ms)
    )
    return SpikingNetwork(
        name="driven",
        populations={"in": SpikeSource(model="spike_source", size=1), "n": population},
        projections=(
            Projection(
                source="in", target="n", weight_mv=weight_mv, delay_ms=delay_ms, synapse=synapse
            ),
        ),
    )


def alone(population: LIF, current_mv: float, n_steps: int) -> tuple[SpikingNetwork, Stimulus]:
    """A population under a constant current."""
    network = SpikingNetwork(name="alone", populations={"n": population})
    return network, Stimulus(currents_mv={"n": np.full((1, n_steps, 1), current_mv)})


def potential(
    backend: str, network: SpikingNetwork, times: list[float], duration_ms: float
) -> np.ndarray:
    """Potential (steps, size) in mV on a grid of 0.1 ms."""
    stimulus = Stimulus.from_spike_times("in", [times])
    activity = simulate(network, stimulus, duration_ms, 0.1, backend, record=("n",))
    return activity.states["n.v_mv"][0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_spike_through_a_delta_synapse_decays_with_the_membrane(backend: str) -> None:
    taus = np.array([2.0, 10.0, 33.0])
    population = LIF(size=3, tau_m_ms=taus, v_rest_mv=-65.0, v_threshold_mv=SILENT)
    v = potential(backend, driven(population, 1.5, None, 0.7), [2.0], 30.0)
    since = (np.arange(300) * 0.1 - 2.7)[:, None]
    expected = -65.0 + np.where(since > -1e-9, 1.5 * np.exp(-since / taus), 0.0)
    np.testing.assert_allclose(v, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_spike_through_an_exponential_synapse_is_a_difference_of_exponentials(
    backend: str,
) -> None:
    # tau_s far from, close to and equal to the membrane's; close ones lose digits if done naively.
    taus = [2.0, 9.0, 10.0 - 1e-7, 10.0, 10.0 + 1e-4, 40.0]
    for tau_s in taus:
        population = LIF(size=1, tau_m_ms=10.0, v_rest_mv=-65.0, v_threshold_mv=SILENT)
        v = potential(backend, driven(population, 20.0, tau_s, 0.0), [1.0], 40.0)[:, 0]
        for step in (10, 11, 15, 60, 150, 399):
            expected = -65.0 + 20.0 * difference_of_exponentials(step * 0.1 - 1.0, tau_s, 10.0)
            assert v[step] == pytest.approx(expected, abs=2e-12)
        np.testing.assert_array_equal(v[:10], -65.0)


def difference_of_exponentials(time_ms: float, tau_s: float, tau_m: float) -> float:
    """Response of the membrane to exp(-t / tau_s), computed with 50 digits."""
    with mpmath.workdps(50):
        t, s, m = mpmath.mpf(time_ms), mpmath.mpf(tau_s), mpmath.mpf(tau_m)
        if s == m:
            return float(t / m * mpmath.exp(-t / m))
        return float(s / (s - m) * (mpmath.exp(-t / s) - mpmath.exp(-t / m)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_constant_current_charges_the_membrane_exponentially(backend: str) -> None:
    population = LIF(size=1, tau_m_ms=20.0, v_rest_mv=-70.0, v_init_mv=-60.0, v_threshold_mv=SILENT)
    network, stimulus = alone(population, 12.0, 1000)
    activity = simulate(network, stimulus, 100.0, 0.1, backend, record=("n",))
    time = np.arange(1, 1001) * 0.1  # entry [:, k] acts over the interval that ends at t_k
    expected = -70.0 + 12.0 + (10.0 - 12.0) * np.exp(-time / 20.0)
    np.testing.assert_allclose(activity.states["n.v_mv"][0, :, 0], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("refractory_ms", [0.0, 0.1, 2.0])
def test_interspike_intervals_under_constant_drive(backend: str, refractory_ms: float) -> None:
    # T = tau ln((I - v_reset) / (I - v_threshold)), rounded up to the grid, after the hold.
    tau, threshold, reset = 20.0, 15.0, -3.0
    for current in (15.5, 20.0, 60.0):
        population = LIF(
            size=1,
            tau_m_ms=tau,
            v_rest_mv=-70.0,
            v_threshold_mv=-70.0 + threshold,
            v_reset_mv=-70.0 + reset,
            refractory_ms=refractory_ms,
        )
        network, stimulus = alone(population, current, 4000)
        steps = np.rint(simulate(network, stimulus, 400.0, 0.1, backend)["n"].times_ms / 0.1)
        charging = tau * math.log((current - reset) / (current - threshold)) / 0.1
        first = tau * math.log(current / (current - threshold)) / 0.1
        # Held for r - 1 steps: it takes up again with the integration of step k + r.
        held = max(round(refractory_ms / 0.1) - 1, 0)
        assert steps[0] == math.ceil(first) - 1
        np.testing.assert_array_equal(np.diff(steps), math.ceil(charging) + held)
        assert len(steps) > 4


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_neuron_below_rheobase_never_fires(backend: str) -> None:
    network, stimulus = alone(LIF(size=1, v_threshold_mv=15.0), 15.0, 5000)
    assert simulate(network, stimulus, 500.0, 0.1, backend).n_spikes == 0


@pytest.mark.parametrize("backend", having(SUBTRACTING_RESETS))
def test_a_subtracting_reset_loses_no_charge(backend: str) -> None:
    # Without leak to speak of, spikes count thresholds: 100 spikes of 0.7 mV are 7 of 10 mV.
    network = driven(
        LIF(size=1, tau_m_ms=1e9, v_rest_mv=-65.0, v_threshold_mv=-55.0, reset="subtract"),
        0.7001,
        None,
        0.0,
    )
    stimulus = Stimulus.from_spike_times("in", [np.arange(100) * 1.0])
    assert simulate(network, stimulus, 100.0, 1.0, backend).n_spikes == 7


@pytest.mark.parametrize("backend", having(SUBTRACTING_RESETS))
def test_a_potential_far_above_threshold_spikes_every_step_until_it_is_used_up(
    backend: str,
) -> None:
    network = driven(
        LIF(size=1, tau_m_ms=1e9, v_threshold_mv=1.0, reset="subtract"), 3.5, None, 0.0
    )
    activity = simulate(network, Stimulus.from_spike_times("in", [[5.0]]), 20.0, 1.0, backend)
    assert activity["n"].times_ms.tolist() == [5.0, 6.0, 7.0]


@pytest.mark.parametrize("backend", having(ADAPTIVE_THRESHOLDS))
def test_an_adaptive_threshold_rises_with_each_spike_and_decays_back(backend: str) -> None:
    # A pulse of 10.5 mV every 10 ms: theta is b times a geometric series of exp(-10 / tau), and
    # the neuron drops pulses as soon as 10 + theta exceeds 10.5.
    tau, increment, interval = 30.0, 0.3, 10.0
    population = AdaptiveLIF(
        size=1,
        tau_m_ms=0.5,
        v_threshold_mv=10.0,
        model="adaptive_lif",
        threshold_increment_mv=increment,
        tau_threshold_ms=tau,
    )
    network = driven(population, 10.5, None, 0.0)
    times = np.arange(0.0, 300.0, interval)
    activity = simulate(network, Stimulus.from_spike_times("in", [times]), 300.0, 0.1, backend)
    theta, expected = 0.0, []
    for time in times:
        if theta < 0.5:
            expected.append(time)
            theta += increment
        theta *= math.exp(-interval / tau)
    np.testing.assert_allclose(activity["n"].times_ms, expected)
    assert 3 < len(expected) < len(times)


@pytest.mark.parametrize("backend", BACKENDS)
def test_delays_carry_a_spike_along_a_chain(backend: str) -> None:
    network = SpikingNetwork(
        name="chain",
        populations={
            "in": SpikeSource(model="spike_source", size=1),
            **{f"n{i}": LIF(size=1, v_threshold_mv=1.0) for i in range(3)},
        },
        projections=(
            Projection(source="in", target="n0", weight_mv=2.0),
            Projection(source="n0", target="n1", weight_mv=2.0),
            Projection(source="n1", target="n2", weight_mv=2.0, delay_ms=3.5),
        ),
        record=("in", "n0", "n1", "n2"),
    )
    stimulus = Stimulus.from_spike_times("in", [[4.0]])
    activity = simulate(network, stimulus, 20.0, 0.5, backend)
    # No delay from a source; one step from neurons where none is given.
    arrived = [activity[name].times_ms.tolist() for name in ("in", "n0", "n1", "n2")]
    assert arrived == [[4.0], [4.0], [4.5], [8.0]]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_first_and_the_last_step_of_a_run_are_simulated(backend: str) -> None:
    for duration, dt in ((1.0, 0.1), (0.3, 0.1), (5.0, 0.25), (1.0, 1.0), (100.0, 0.1)):
        n_steps = round(duration / dt)
        network = driven(LIF(size=1, tau_m_ms=0.05, v_threshold_mv=1.0), 2.0, None, 0.0)
        stimulus = Stimulus.from_spike_times(
            "in", [[0.0, (n_steps - 1) * dt] if n_steps > 1 else [0.0]]
        )
        activity = simulate(network, stimulus, duration, dt, backend, record=("n",))
        assert activity.states["n.v_mv"].shape == (1, n_steps, 1)
        steps = np.rint(activity["n"].times_ms / dt).astype(int)
        assert sorted(set(steps)) == sorted({0, n_steps - 1})
