"""Neuron models and synapses against other integrators, closed forms and published figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from engines import having
from scipy.integrate import solve_ivp

from spikelearn._errors import SpikelearnError
from spikelearn.networks.neurons import LIF, AdEx, HodgkinHuxley, Izhikevich, Neurons, SpikeSource
from spikelearn.networks.spiking import BackgroundInput, NoiseInput, Projection, SpikingNetwork
from spikelearn.networks.synapses import AlphaSynapse, ExponentialSynapse, Synapse
from spikelearn.simulation import BACKENDS, simulate
from spikelearn.simulation.grid.neurons import MODEL_FEATURES
from spikelearn.stimuli.stimulus import Stimulus

SILENT = 1e6  # a threshold that is never reached, mV


def under_current(cell: Neurons, current: float, unit: str, ms: float, dt: float) -> Any:
    """Activity of a population under a constant current."""
    network = SpikingNetwork(
        name="alone",
        populations={"n": cell},
        noise=(NoiseInput(target="n", unit=unit, mean=current, sd=0.0, interval_ms=dt),),  # type: ignore[arg-type]
    )
    return simulate(network, None, ms, dt, "native", record=("n",))


def through(cell: Neurons, synapse: Synapse, dt: float, ms: float, **weight: float) -> np.ndarray:
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
    # tau_s far from, close to and equal to the membrane's; close ones lose digits if done naively.
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
            assert v[step] == pytest.approx(expected, abs=2e-12)


def alpha_response(time_ms: float, tau_s: float, tau_m: float) -> float:
    """Response of the membrane to (t / tau_s) exp(1 - t / tau_s), computed with 50 digits."""
    with mpmath.workdps(50):
        t, s, m = mpmath.mpf(time_ms), mpmath.mpf(tau_s), mpmath.mpf(tau_m)
        if s == m:
            return float(mpmath.e * t**2 / (2 * s * m) * mpmath.exp(-t / m))
        rate = 1 / s - 1 / m
        integral = (1 - mpmath.exp(-rate * t) * (1 + rate * t)) / rate**2
        return float(mpmath.e / (s * m) * mpmath.exp(-t / m) * integral)


def test_currents_in_pa_are_those_in_mv_times_the_leak() -> None:
    synapse = ExponentialSynapse(model="exponential", tau_ms=5.0)
    cell = LIF(size=1, leak_ns=12.5, v_threshold_mv=SILENT)
    in_mv = through(cell, synapse, 0.1, 20.0, weight_mv=4.0)
    np.testing.assert_allclose(through(cell, synapse, 0.1, 20.0, weight_pa=50.0), in_mv, rtol=1e-13)
    a = under_current(cell, 3.0, "mv", 20.0, 0.1).states["n.v_mv"]
    b = under_current(cell, 37.5, "pa", 20.0, 0.1).states["n.v_mv"]
    np.testing.assert_allclose(a, b, rtol=1e-13)


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


def test_adex_follows_its_equations_to_fourth_order_up_to_the_spike() -> None:
    cell = AdEx(model="adex", size=1, v_peak_mv=20.0)
    c, g, rest, onset, delta, tau_w, a = 281.0, 30.0, -70.6, -50.4, 2.0, 144.0, 4.0

    def slope(t: float, y: np.ndarray) -> list[float]:
        v, w = y
        into = g * delta * np.exp((v - onset) / delta) - g * (v - rest) - w + 1000.0
        return [into / c, (a * (v - rest) - w) / tau_w]

    def above(t: float, y: np.ndarray) -> float:
        return float(y[0] + 50.0)  # well before the upstroke, where no step is short enough

    above.terminal = True  # type: ignore[attr-defined]
    solved = solve_ivp(
        slope, (0, 50), [rest, 0.0], method="DOP853", rtol=1e-12, atol=1e-12, events=above,
        dense_output=True,
    )  # fmt: skip
    end = solved.t[-1] - 0.2
    errors = []
    for dt in (0.2, 0.1, 0.05):
        v = under_current(cell, 1000.0, "pa", 20.0, dt).states["n.v_mv"][0, :, 0]
        time = np.arange(1, len(v) + 1) * dt
        errors.append(np.abs(v - solved.sol(time)[0])[time < end].max())
    np.testing.assert_array_less(12.0, np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < 1e-6


def test_adex_spikes_when_its_equations_reach_the_peak_and_adapts() -> None:
    # Spike by spike, with the reset and the jump of w between, by an integrator of its own.
    cell = AdEx(model="adex", size=1)
    found = under_current(cell, 800.0, "pa", 300.0, 0.01)["n"].times_ms + 0.01
    y, now, expected = np.array([-70.6, 0.0]), 0.0, []

    def slope(t: float, y: np.ndarray) -> list[float]:
        v, w = min(y[0], 20.0), y[1]
        into = 60.0 * np.exp((v + 50.4) / 2.0) - 30.0 * (v + 70.6) - w + 800.0
        return [into / 281.0, (4.0 * (v + 70.6) - w) / 144.0]

    def peak(t: float, y: np.ndarray) -> float:
        return float(y[0] + 30.0)  # from here to the peak it takes less than a microsecond

    peak.terminal = True  # type: ignore[attr-defined]
    while now < 300.0:
        part = solve_ivp(
            slope, (now, 301.0), y, method="LSODA", rtol=1e-10, atol=1e-10, events=peak
        )
        now = part.t[-1]
        if now < 300.0:
            expected.append(now)
        y = np.array([-70.6, part.y[1, -1] + 80.5])
    assert len(found) == len(expected) > 5
    # A spike is told at the end of its step, and each delays the next.
    np.testing.assert_allclose(found, expected, atol=0.01 * len(found))
    intervals = np.diff(expected)
    assert intervals[-1] > 1.5 * intervals[0]


def test_hodgkin_and_huxleys_axon_follows_its_equations_to_fourth_order() -> None:
    def rates(v: float) -> dict[str, tuple[float, float]]:
        return {
            "m": (0.1 * (v + 40) / (1 - np.exp(-(v + 40) / 10)), 4 * np.exp(-(v + 65) / 18)),
            "h": (0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10))),
            "n": (0.01 * (v + 55) / (1 - np.exp(-(v + 55) / 10)), 0.125 * np.exp(-(v + 65) / 80)),
        }

    def slope(t: float, y: np.ndarray) -> list[float]:
        v, gates = y[0], dict(zip("mhn", y[1:], strict=True))
        m, h, n = gates["m"], gates["h"], gates["n"]
        into = 120 * m**3 * h * (50 - v) + 36 * n**4 * (-77 - v) + 0.3 * (-54.387 - v) + 10.0
        change = [a * (1 - gates[g]) - b * gates[g] for g, (a, b) in rates(v).items()]
        return [into, *change]

    start = [-65.0, *(a / (a + b) for a, b in rates(-65.0).values())]
    solved = solve_ivp(
        slope, (0, 30), start, method="DOP853", rtol=1e-12, atol=1e-12, dense_output=True
    )
    cell = HodgkinHuxley(model="hodgkin_huxley", size=1)
    errors = []
    for dt in (0.025, 0.0125, 0.00625):  # longer ones are made of several
        v = under_current(cell, 1000.0, "pa", 28.0, dt).states["n.v_mv"][0, :, 0]
        errors.append(np.abs(v - solved.sol(np.arange(1, len(v) + 1) * dt)[0]).max())
    assert solved.y[0].max() > 30.0  # an action potential, and a second one
    np.testing.assert_array_less(12.0, np.array(errors[:-1]) / errors[1:])
    assert errors[-1] < 1e-3


@pytest.mark.parametrize(
    ("current_pa", "repetitive"), [(0.0, False), (600.0, False), (650.0, True), (1000.0, True)]
)
def test_the_axon_fires_repetitively_above_the_known_rheobase(
    current_pa: float, repetitive: bool
) -> None:
    # Near 6.2 uA/cm^2 (Rinzel 1978, doi:10.1126/science.202.4375.1374 gives the bifurcations); at
    # 10 an action potential every 14.6 ms.
    cell = HodgkinHuxley(model="hodgkin_huxley", size=1)
    times = under_current(cell, current_pa, "pa", 500.0, 0.05)["n"].times_ms
    assert (times > 300.0).any() == repetitive
    if current_pa == 0.0:
        assert not len(times)
    if current_pa == 1000.0:
        assert np.diff(times[5:]).mean() == pytest.approx(14.64, abs=0.02)


IZHIKEVICH_CELLS = {  # of the paper's figure 2: a, b, c, d
    "regular_spiking": (0.02, 0.2, -65.0, 8.0),
    "intrinsically_bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast_spiking": (0.1, 0.2, -65.0, 2.0),
    "low_threshold_spiking": (0.02, 0.25, -65.0, 2.0),
}


@pytest.fixture(scope="module")
def izhikevich_intervals() -> dict[str, np.ndarray]:
    """Inter-spike intervals under a current of 10, in ms."""
    a, b, c, d = np.array(list(IZHIKEVICH_CELLS.values())).T
    cells = Izhikevich(
        model="izhikevich", size=5, a_per_ms=a, b_per_ms=b, c_mv=c, d_mv_per_ms=d, v_init_mv=-70.0
    )
    spikes = under_current(cells, 10.0, "mv_per_ms", 500.0, 0.05)["n"]
    return {
        name: np.diff(spikes.times_ms[spikes.senders == i])
        for i, name in enumerate(IZHIKEVICH_CELLS)
    }


def test_izhikevichs_cells_fire_as_in_the_papers_figure(
    izhikevich_intervals: dict[str, np.ndarray],
) -> None:
    intervals = izhikevich_intervals
    regular = intervals["regular_spiking"]
    assert regular[-1] > 1.5 * regular[0]  # adapts
    assert regular[2:].std() / regular[2:].mean() < 0.05  # to a regular rhythm
    fast = intervals["fast_spiking"]
    assert fast.mean() < 0.5 * regular[2:].mean()
    assert fast[-1] / fast[5] < 1.05  # after a few spikes without adaptation
    bursting = intervals["intrinsically_bursting"]
    assert bursting[0] < 8.0  # a burst at the onset
    assert bursting[-1] > 4 * bursting[0]  # then single spikes
    chattering = intervals["chattering"]
    assert (chattering < 8.0).mean() > 0.5  # bursts of closely spaced spikes
    assert chattering.max() > 4 * np.median(chattering)  # between pauses


def test_izhikevichs_cell_follows_its_equations_to_fourth_order() -> None:
    def slope(t: float, y: np.ndarray) -> list[float]:
        v, u = y
        return [0.04 * v**2 + 5 * v + 140 - u + 10.0, 0.02 * (0.2 * v - u)]

    solved = solve_ivp(
        slope, (0, 4), [-65.0, -13.0], method="DOP853", rtol=1e-12, atol=1e-12, dense_output=True
    )
    cell = Izhikevich(model="izhikevich", size=1)
    errors = []
    for dt in (0.1, 0.05, 0.025):
        v = under_current(cell, 10.0, "mv_per_ms", 2.0, dt).states["n.v_mv"][0, :, 0]
        errors.append(np.abs(v - solved.sol(np.arange(1, len(v) + 1) * dt)[0]).max())
    np.testing.assert_array_less(10.0, np.array(errors[:-1]) / errors[1:])


def test_noise_has_the_mean_the_spread_and_the_interval_that_are_asked_for() -> None:
    # A leak so fast that the potential is the current.
    cell = LIF(size=200, tau_m_ms=0.001, v_threshold_mv=SILENT)
    network = SpikingNetwork(
        name="noise",
        populations={"n": cell},
        noise=(NoiseInput(target="n", unit="mv", mean=3.0, sd=2.0, interval_ms=0.5),),
    )
    v = simulate(network, None, 100.0, 0.1, "native", record=("n",)).states["n.v_mv"][0]
    blocks = v.reshape(200, 5, 200)
    np.testing.assert_array_equal(blocks, np.repeat(blocks[:, :1], 5, axis=1))
    assert blocks[:, 0].mean() == pytest.approx(3.0, abs=5 * 2.0 / np.sqrt(40_000))
    assert blocks[:, 0].std() == pytest.approx(2.0, rel=0.02)


def test_background_input_begins_and_ends_when_it_should() -> None:
    network = SpikingNetwork(
        name="kick",
        populations={"n": LIF(size=100, tau_m_ms=0.1, v_threshold_mv=1.0)},
        background=(
            BackgroundInput(target="n", rate_hz=2000.0, weight_mv=5.0, start_ms=20.0, stop_ms=40.0),
        ),
    )
    times = simulate(network, None, 100.0, 0.1, "native")["n"].times_ms
    assert 20.0 <= times.min() < 21.0
    assert 39.0 < times.max() < 40.0
    assert len(times) == pytest.approx(100 * 2000 * 0.02, rel=0.15)


def test_a_potential_that_grows_beyond_all_bounds_is_said() -> None:
    cell = HodgkinHuxley(model="hodgkin_huxley", size=2)
    for backend in having(MODEL_FEATURES[cell.model]):
        network = SpikingNetwork(
            name="harsh",
            populations={"axon": cell},
            noise=(NoiseInput(target="axon", unit="pa", mean=-1e8, sd=0.0, interval_ms=0.5),),
        )
        with pytest.raises(SpikelearnError) as raised:
            simulate(network, None, 50.0, 0.5, backend)
        for word in ("axon", "dt_ms", "0.5"):
            assert word in str(raised.value)
