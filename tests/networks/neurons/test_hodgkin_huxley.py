"""Hodgkin and Huxley's axon against another integrator and what is known of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from under_current import under_current

from spikelearn._errors import SpikelearnError
from spikelearn.networks.neurons import (
    HodgkinHuxley,
)
from spikelearn.networks.spiking import NoiseInput, SpikingNetwork
from spikelearn.simulation import simulate


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


def test_a_potential_that_grows_beyond_all_bounds_is_said() -> None:
    cell = HodgkinHuxley(model="hodgkin_huxley", size=2)
    for backend in ("native", "brian2"):
        network = SpikingNetwork(
            name="harsh",
            populations={"axon": cell},
            noise=(NoiseInput(target="axon", unit="pa", mean=-1e8, sd=0.0, interval_ms=0.5),),
        )
        with pytest.raises(SpikelearnError) as raised:
            simulate(network, None, 50.0, 0.5, backend)
        for word in ("axon", "dt_ms of 0.5", "beyond the model: use weaker input"):
            assert word in str(raised.value)
        assert "dt_ms below" not in str(raised.value)
