"""Steps that leave what the method can bear are divided, alike on every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from engines import EVERY_MODEL
from scipy.integrate import solve_ivp

from spikelearn._errors import SpikelearnError
from spikelearn.networks.neurons import (
    QIF,
    AdEx,
    HodgkinHuxley,
    Izhikevich,
    NeuronModel,
    SpikeSource,
)
from spikelearn.networks.spiking import NoiseInput, Projection, SpikingNetwork
from spikelearn.networks.synapses import ExponentialSynapse
from spikelearn.simulation import simulate
from spikelearn.simulation.simulate import load_backend
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

IZHIKEVICH = Izhikevich(model="izhikevich", size=4, v_init_mv=-70.0)
JUMPS_MV = np.array([[-20.0, -40.0, -50.0, -500.0]])


def jumped(
    cell: NeuronModel, jumps_mv: np.ndarray, dt_ms: float, backend: str, ms: float = 40.0
) -> Activity:
    """Cells whose potentials jump after 10 ms."""
    network = SpikingNetwork(
        name="jumped",
        populations={"in": SpikeSource(model="spike_source", size=1), "n": cell},
        projections=(Projection(source="in", target="n", weight_mv=jumps_mv),),
    )
    stimulus = Stimulus.from_spike_times("in", [[10.0 - dt_ms]])
    return simulate(network, stimulus, ms, dt_ms, backend, record=("n",))


def held(cell: NeuronModel, current: float, unit: Any, dt_ms: float, backend: str) -> Activity:
    network = SpikingNetwork(
        name="held",
        populations={"n": cell},
        noise=(NoiseInput(target="n", unit=unit, mean=current, sd=0.0, interval_ms=40.0),),
    )
    return simulate(network, None, 40.0, dt_ms, backend, record=("n",))


def izhikevichs(t: float, y: np.ndarray, drive: float = 0.0) -> list[float]:
    v, u = y
    return [0.04 * v**2 + 5 * v + 140 - u + drive, 0.02 * (0.2 * v - u)]


def exactly(slope: Callable[..., Any], start: list[float], times: np.ndarray) -> np.ndarray:
    solved = solve_ivp(
        slope, (0.0, times[-1]), start, method="LSODA", rtol=1e-10, atol=1e-10, t_eval=times
    )
    return np.asarray(solved.y)


@pytest.mark.parametrize("dt_ms", [1.0, 0.5, 2.0])
def test_a_jump_far_below_rest_decays_and_makes_no_spike(dt_ms: float) -> None:
    activity = jumped(IZHIKEVICH, JUMPS_MV, dt_ms, "native")
    assert not len(activity["n"])
    v = activity.states["n.v_mv"][0]
    times = np.arange(1, len(v) + 1) * dt_ms  # since the start
    rest = exactly(izhikevichs, [-70.0, -14.0], np.array([0.0, 10.0]))[:, -1]
    after = times >= 10.0
    for k, jump in enumerate(JUMPS_MV[0]):
        expected = exactly(izhikevichs, [rest[0] + jump, rest[1]], times[after] - 10.0)[0]
        np.testing.assert_allclose(v[after, k], expected, atol=0.25)


def test_strong_inhibition_that_is_held_gives_no_spikes() -> None:
    for dt_ms in (0.5, 1.0, 2.0):
        for drive in (-200.0, -5000.0):
            activity = held(IZHIKEVICH, drive, "mv_per_ms", dt_ms, "native")
            assert not len(activity["n"])
            v = activity.states["n.v_mv"][0, :, 0]
            times = np.arange(1, len(v) + 1) * dt_ms
            expected = exactly(lambda t, y, i=drive: izhikevichs(t, y, i), [-70.0, -14.0], times)
            np.testing.assert_allclose(v, expected[0], atol=0.05)


def test_quadratic_neurons_fall_back_by_their_closed_form() -> None:
    cell = QIF(model="qif", size=3, v_init_mv=-65.0)
    jumps = np.array([[-100.0, -400.0, -5000.0]])
    for dt_ms in (0.5, 1.0, 2.0):
        activity = jumped(cell, jumps, dt_ms, "native")
        assert not len(activity["n"])
        v = activity.states["n.v_mv"][0]
        since = np.arange(1, len(v) + 1) * dt_ms - 10.0
        after = since >= 0
        # x' = x (x - 15) / 150 of x = v + 65: (x - 15) / x grows by exp(t / 10).
        for k, jump in enumerate(jumps[0]):
            ratio = (jump - 15.0) / jump * np.exp(since[after] / 10.0)
            np.testing.assert_allclose(v[after, k], -65.0 + 15.0 / (1.0 - ratio), atol=0.1)


def test_conductances_too_large_for_a_step_pull_to_their_reversal_potential() -> None:
    # 30 microsiemens on 281 pF: 107 per ms, where a step of 1 ms bears 2.8.
    synapse = ExponentialSynapse(model="exponential", tau_ms=20.0, reversal_mv=-80.0)
    network = SpikingNetwork(
        name="shunted",
        populations={
            "in": SpikeSource(model="spike_source", size=1), "n": AdEx(model="adex", size=1)
        },
        projections=(Projection(source="in", target="n", synapse=synapse, weight_ns=30_000.0),),
    )  # fmt: skip
    for dt_ms in (0.5, 1.0, 2.0):
        stimulus = Stimulus.from_spike_times("in", [[10.0]])
        activity = simulate(network, stimulus, 60.0, dt_ms, "native", record=("n",))
        assert not len(activity["n"])
        v = activity.states["n.v_mv"][0, :, 0]
        at = np.arange(len(v)) * dt_ms
        np.testing.assert_allclose(v[(at > 12.5) & (at < 40.0)], -80.0, atol=0.1)


@pytest.mark.parametrize("jump_mv", [-50.0, -100.0, 300.0, 600.0])
def test_gates_follow_far_from_rest(jump_mv: float) -> None:
    # The gates' rates grow exponentially below and linearly above: beyond what 0.025 ms can bear.
    cell = HodgkinHuxley(model="hodgkin_huxley", size=1)
    fine, coarse = (
        jumped(cell, np.array([[jump_mv]]), dt, "native").states["n.v_mv"][0, :, 0]
        for dt in (0.001, 0.1)
    )
    np.testing.assert_allclose(coarse, fine[99::100], atol=0.005 * abs(jump_mv))


CASES: dict[str, tuple[NeuronModel, float, str, float]] = {
    "izhikevich": (Izhikevich(model="izhikevich", size=4, refractory_ms=2.0), 1.0, "", 1.0),
    "qif": (QIF(model="qif", size=4, leak_ns=10.0), 1.0, "ns", 600.0),
    "adex": (AdEx(model="adex", size=4, v_reset_mv=-60.0), 1.0, "ns", 4000.0),
    "hodgkin_huxley": (HodgkinHuxley(model="hodgkin_huxley", size=4), 0.05, "ns", 6000.0),
}


def compare(name: str, backends: list[str], ms: float = 40.0) -> None:
    """The same spikes and potentials where steps are divided."""
    cell, dt_ms, unit, weight = CASES[name]
    synapse = ExponentialSynapse(model="exponential", tau_ms=3.0, reversal_mv=-20.0)
    conducting = (
        (Projection(source="in", target="n", synapse=synapse, weight_ns=weight),) if unit else ()
    )
    network = SpikingNetwork(
        name="rough",
        populations={"in": SpikeSource(model="spike_source", size=1), "n": cell},
        projections=(
            Projection(source="in", target="n", weight_mv=JUMPS_MV / (5.0 if dt_ms < 1 else 1.0)),
            *conducting,
        ),
    )
    stimulus = Stimulus.from_spike_times("in", [[5.0, 20.0]])
    first, *others = (
        simulate(network, stimulus, ms, dt_ms, backend, record=("n",)) for backend in backends
    )
    assert first.states["n.v_mv"].min() < -100.0
    assert not unit or len(first["n"])
    for other in others:
        np.testing.assert_array_equal(first["n"].times_ms, other["n"].times_ms)
        np.testing.assert_array_equal(first["n"].senders, other["n"].senders)
        np.testing.assert_allclose(first.states["n.v_mv"], other.states["n.v_mv"], atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_divided_steps_are_the_same_on_every_engine(name: str) -> None:
    compare(name, EVERY_MODEL)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_divided_steps_are_the_same_on_every_target(name: str) -> None:
    targets = [
        f"{backend}:{target}"
        for backend in EVERY_MODEL
        for target in getattr(load_backend(backend), "TARGETS", {})
    ]
    compare(name, ["native", *targets])


def test_what_no_division_follows_is_refused() -> None:
    cell = HodgkinHuxley(model="hodgkin_huxley", size=1)
    for backend in EVERY_MODEL:
        with pytest.raises(SpikelearnError, match=r"'n' .* beyond the model: use weaker"):
            jumped(cell, np.array([[-2000.0]]), 0.1, backend, ms=10.2)


def test_an_action_potential_within_a_step_is_seen() -> None:
    # 35 in 500 ms, of 14.6 ms each; their tips last for less than the longer of these steps.
    cell = HodgkinHuxley(model="hodgkin_huxley", size=1)
    network = SpikingNetwork(
        name="axon",
        populations={"n": cell},
        noise=(NoiseInput(target="n", unit="pa", mean=1000.0, sd=0.0, interval_ms=10.0),),
    )
    fine = simulate(network, None, 500.0, 0.025, "native")["n"].times_ms
    assert len(fine) == 35
    for dt_ms in (0.1, 0.5, 1.0, 2.0, 5.0):
        times = simulate(network, None, 500.0, dt_ms, "native")["n"].times_ms
        assert len(times) == 35
        # Told at the end of their steps; time 0 is the end of the first.
        late = times + dt_ms - (fine + 0.025)
        assert ((late > -0.01) & (late < dt_ms + 0.01)).all()
    for backend in EVERY_MODEL:
        times = simulate(network, None, 50.0, 1.0, backend)["n"].times_ms
        np.testing.assert_allclose(times + 1.0 - fine[: len(times)], 0.5, atol=0.56)
        assert len(times) == 4
