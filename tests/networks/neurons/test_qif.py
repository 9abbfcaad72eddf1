"""Quadratic integrate-and-fire neurons against their closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from under_current import under_current

from spikelearn._errors import SpikelearnError
from spikelearn.networks.neurons import QIF
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

TAU, REST, CRITICAL, A, PEAK, RESET = 12.0, -66.0, -52.0, 0.08, 10.0, -70.0
RHEOBASE_MV = A * (CRITICAL - REST) ** 2 / 4


def cell(refractory_ms: float = 0.0, size: int = 1) -> QIF:
    return QIF(
        model="qif", size=size, tau_m_ms=TAU, v_rest_mv=REST, v_critical_mv=CRITICAL, a_per_mv=A,
        v_peak_mv=PEAK, v_reset_mv=RESET, refractory_ms=refractory_ms,
    )  # fmt: skip


def period_ms(current_mv: float) -> float:
    """From reset to peak: tau v' = a (v - m)^2 + R I - a d^2, m the middle, d half the distance."""
    middle, half = (REST + CRITICAL) / 2, (CRITICAL - REST) / 2
    k = math.sqrt(current_mv / A - half**2)
    return TAU / (A * k) * (math.atan((PEAK - middle) / k) - math.atan((RESET - middle) / k))


@pytest.mark.parametrize(
    ("backend", "refractory_ms"),
    [
        ("native", 0.0),
        ("native", 3.0),
        pytest.param("brian2", 3.0, marks=pytest.mark.slow),
        pytest.param("brian2", 0.0, marks=pytest.mark.slow),
    ],
)
def test_the_period_under_a_current_is_the_closed_form_to_first_order_in_the_step(
    backend: str, refractory_ms: float
) -> None:
    # A spike is told at the end of the step in which v passes the peak: too late by less than one.
    # A refractory period of r steps holds v for r - 1, and the spike's own makes the first.
    for dt in (0.1, 0.025):
        errors = []
        for current in (1.05 * RHEOBASE_MV, 1.5 * RHEOBASE_MV, 4 * RHEOBASE_MV):
            exact = period_ms(current) + max(refractory_ms - dt, 0.0)
            times = under_current(
                cell(refractory_ms), current, "mv", round(4.5 * exact, 0), dt, backend
            )["n"].times_ms
            intervals = np.diff(times)
            assert len(intervals) >= 3
            errors.append(intervals.mean() - exact)
        assert all(-0.02 * dt <= error <= 1.02 * dt for error in errors), (dt, errors)


def test_it_fires_periodically_above_the_rheobase_alone() -> None:
    assert not len(under_current(cell(), 0.98 * RHEOBASE_MV, "mv", 2000.0, 0.1)["n"])
    slow = 1.004 * RHEOBASE_MV  # just above, the frequency goes to 0 as the square root
    times = under_current(cell(), slow, "mv", 4000.0, 0.1)["n"].times_ms
    assert np.diff(times).mean() == pytest.approx(period_ms(slow), rel=1e-3)
    assert period_ms(slow) == pytest.approx(period_ms(1.001 * RHEOBASE_MV) / 2, rel=0.02)


def test_it_follows_its_equation_to_fourth_order_up_to_the_spike() -> None:
    def slope(t: float, v: np.ndarray) -> np.ndarray:
        return (A * (v - REST) * (v - CRITICAL) + 12.0) / TAU

    solved = solve_ivp(
        slope, (0, 8), [REST], method="DOP853", rtol=1e-12, atol=1e-12, dense_output=True
    )
    errors = []
    for dt in (0.4, 0.2, 0.1):
        v = under_current(cell(), 12.0, "mv", 8.0, dt).states["n.v_mv"][0, :, 0]
        errors.append(np.abs(v - solved.sol(np.arange(1, len(v) + 1) * dt)[0]).max())
    np.testing.assert_array_less(12.0, np.array(errors[:-1]) / errors[1:])


def test_the_time_constant_at_rest_is_tau_m_where_a_is_not_given() -> None:
    quiet = QIF(model="qif", size=1, tau_m_ms=TAU, v_init_mv=-65.0 + 1e-6)
    network = SpikingNetwork(name="quiet", populations={"n": quiet})
    v = simulate(network, None, 24.0, 0.1, "native", record=("n",)).states["n.v_mv"][0, :, 0]
    np.testing.assert_allclose((v + 65.0)[119::120], 1e-6 * np.exp([-1.0, -2.0]), rtol=1e-5)


def test_currents_in_pa_are_those_in_mv_times_the_leak_and_need_it() -> None:
    in_pa = cell().model_copy(update={"leak_ns": 12.5})
    a = under_current(cell(), 8.0, "mv", 50.0, 0.1).states["n.v_mv"]
    b = under_current(in_pa, 100.0, "pa", 50.0, 0.1).states["n.v_mv"]
    np.testing.assert_allclose(a, b, rtol=1e-12)
    with pytest.raises(SpikelearnError, match="set its leak_ns"):
        SpikingNetwork(
            name="x",
            populations={"n": cell()},
            background=({"target": "n", "rate_hz": 1.0, "weight_pa": 1.0,  # type: ignore[arg-type]
                         "synapse": {"model": "exponential", "tau_ms": 1.0}},),
        )  # fmt: skip


@pytest.mark.parametrize("backend", ["native", "brian2"])
def test_a_conductance_shifts_the_equation_by_its_share_of_the_leak(backend: str) -> None:
    # A conductance that hardly decays: tau v' = a (v - rest)(v - critical) + g / leak (E - v).
    leak, weight, reversal = 10.0, 4.0, -40.0
    cells = cell().model_copy(update={"leak_ns": leak})
    synapse = {"model": "exponential", "tau_ms": 1e9, "reversal_mv": reversal}
    network = SpikingNetwork(
        name="x",
        populations={"in": {"model": "spike_source", "size": 1}, "n": cells},  # type: ignore[dict-item]
        projections=({"source": "in", "target": "n", "weight_ns": weight, "synapse": synapse},),  # type: ignore[arg-type]
    )

    def slope(t: float, v: np.ndarray) -> np.ndarray:
        return (A * (v - REST) * (v - CRITICAL) + weight / leak * (reversal - v)) / TAU

    stimulus = Stimulus.from_spike_times("in", [[0.0]])
    v = simulate(network, stimulus, 10.1, 0.1, backend, record=("n",)).states["n.v_mv"][0, :, 0]
    solved = solve_ivp(slope, (0, 10), [REST], method="DOP853", rtol=1e-11, atol=1e-11)
    assert v[100] == pytest.approx(solved.y[0, -1], abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"v_critical_mv": -70.0},
            "v_critical_mv must lie above v_rest_mv, found v_critical_mv -70 and v_rest_mv -65,"
            " its default$",
        ),
        ({"v_peak_mv": -68.0}, "v_peak_mv must lie above"),
        ({"a_per_mv": 0.0}, "a_per_mv must be greater than 0"),
    ],
)
def test_parameters_that_cannot_be_are_refused(changes: dict[str, float], sentence: str) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        QIF(**{"model": "qif", "size": 1, **changes})
