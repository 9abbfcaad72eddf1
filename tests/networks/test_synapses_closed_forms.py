"""Synapses against closed forms and another integrator."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spikelearn.networks.neurons import (
    LIF,
    NeuronModel,
    SpikeSource,
)
from spikelearn.networks.spiking import Projection, SpikingNetwork
from spikelearn.networks.synapses import AlphaSynapse, ExponentialSynapse, Synapse
from spikelearn.simulation import BACKENDS, simulate
from spikelearn.stimuli.stimulus import Stimulus

SILENT = 1e6  # a threshold that is never reached, mV


def through(
    cell: NeuronModel, synapse: Synapse, dt: float, ms: float, **weight: float
) -> np.ndarray:
    """Potential of one neuron after a spike at 1 ms."""
    network = SpikingNetwork(
        name="driven",
        populations={"in": SpikeSource(model="spike_source", size=1), "n": cell},
        projections=(Projection(source="in", target="n", synapse=synapse, **weight),),
    )
    stimulus = Stimulus.from_spike_times("in", [[1.0]])
    return simulate(network, stimulus, ms, dt, "native", record=("n",)).states["n.v_mv"][0, :, 0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_spike_through_an_alpha_synapse_gives_the_closed_form(backend: str) -> None:
    # tau_s far from, close to and equal to the membrane's; close ones lose digits if done naively,
    # and some of them in NEST.
    for tau_s in (2.0, 9.0, 10.0 - 1e-5, 10.0, 10.0 + 1e-3, 40.0):
        network = SpikingNetwork(
            name="alpha",
            populations={
                "in": SpikeSource(model="spike_source", size=1),
                "n": LIF(size=1, tau_m_ms=10.0, v_rest_mv=-65.0, v_threshold_mv=SILENT),
            },
            projections=(
                Projection(
                    source="in",
                    target="n",
                    weight_mv=20.0,
                    synapse=AlphaSynapse(model="alpha", tau_ms=tau_s),
                ),
            ),
        )
        stimulus = Stimulus.from_spike_times("in", [[1.0]])
        v = simulate(network, stimulus, 40.0, 0.1, backend, record=("n",)).states["n.v_mv"][0, :, 0]
        for step in (10, 11, 15, 60, 150, 399):
            expected = -65.0 + 20.0 * alpha_response(step * 0.1 - 1.0, tau_s, 10.0)
            assert v[step] == pytest.approx(expected, abs=2e-12 if backend != "nest" else 1e-9)


def alpha_response(time_ms: float, tau_s: float, tau_m: float) -> float:
    """Response of the membrane to (t / tau_s) exp(1 - t / tau_s), computed with 50 digits."""
    with mpmath.workdps(50):
        t, s, m = mpmath.mpf(time_ms), mpmath.mpf(tau_s), mpmath.mpf(tau_m)
        if s == m:
            return float(mpmath.e * t**2 / (2 * s * m) * mpmath.exp(-t / m))
        rate = 1 / s - 1 / m
        integral = (1 - mpmath.exp(-rate * t) * (1 + rate * t)) / rate**2
        return float(mpmath.e / (s * m) * mpmath.exp(-t / m) * integral)


def errors_as_the_step_halves(
    make: Callable[[float], np.ndarray], exact: Callable[[np.ndarray], np.ndarray], ms: float
) -> np.ndarray:
    """Largest error at steps of 0.2, 0.1 and 0.05 ms."""
    return np.array(
        [np.abs(make(dt) - exact(np.arange(round(ms / dt)) * dt)).max() for dt in (0.2, 0.1, 0.05)]
    )


@pytest.mark.parametrize("shape", ["exponential", "alpha"])
def test_conductances_pull_as_the_differential_equation_says(shape: str) -> None:
    # C v' = -g_L (v - rest) + g(t) (E - v): of second order in the step.
    tau, weight, leak, rest, reversal = 5.0, 30.0, 10.0, -60.0, 0.0
    kind = AlphaSynapse if shape == "alpha" else ExponentialSynapse
    synapse = kind(model=shape, tau_ms=tau, reversal_mv=reversal)  # type: ignore[arg-type]
    cell = LIF(size=1, tau_m_ms=20.0, leak_ns=leak, v_rest_mv=rest, v_threshold_mv=SILENT)

    def slope(t: float, v: np.ndarray) -> np.ndarray:
        form = np.exp(-t / tau) if shape == "exponential" else t / tau * np.exp(1 - t / tau)
        return (rest - v + weight * form / leak * (reversal - v)) / 20.0

    solved = solve_ivp(
        slope, (0, 40), [rest], method="DOP853", rtol=1e-12, atol=1e-12, dense_output=True
    )

    def exact(t: np.ndarray) -> np.ndarray:
        return np.where(t < 1.0, rest, solved.sol(np.maximum(t - 1.0, 0.0))[0])

    errors = errors_as_the_step_halves(
        lambda dt: through(cell, synapse, dt, 40.0, weight_ns=weight), exact, 40.0
    )
    assert errors[1] < 0.01
    np.testing.assert_array_less(3.5, errors[:-1] / errors[1:])
