"""AdEx neurons against other integrators."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp
from under_current import under_current

from spikelearn.networks.neurons import (
    AdEx,
)


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
