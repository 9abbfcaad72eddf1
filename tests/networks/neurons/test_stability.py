"""Where a Runge-Kutta step of a model holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikelearn.networks.neurons import QIF, AdEx, HodgkinHuxley, Izhikevich, NeuronModel
from spikelearn.networks.neurons.stability import calm, fall_rates_of_slopes, steps_needed

CELLS: dict[str, NeuronModel] = {
    "adex": AdEx(model="adex", size=2, leak_ns=[20.0, 40.0]),
    "izhikevich": Izhikevich(model="izhikevich", size=2, a_per_ms=[0.02, 0.1]),
    "qif": QIF(model="qif", size=2, leak_ns=10.0, tau_m_ms=[5.0, 20.0]),
    "hodgkin_huxley": HodgkinHuxley(model="hodgkin_huxley", size=2),
}


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("conductance", [0.0, 3.0])
def test_what_a_model_says_of_its_rates_is_what_its_slopes_do(
    name: str, conductance: float
) -> None:
    cell = CELLS[name]
    if name == "izhikevich" and conductance:
        pytest.skip("it has no conductances")
    # Far below, where something falls fast; Hodgkin-Huxley's conductances are closed there.
    for v in (-100.0, -150.0, -300.0) if name != "hodgkin_huxley" else (-110.0, -150.0):
        v_mv = np.array([v, v - 7.0])
        found = fall_rates_of_slopes(cell, v_mv, conductance)
        np.testing.assert_allclose(cell.fall_rates(v_mv, conductance), found, rtol=1e-5)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("step_ms", [0.02, 1.0])
def test_the_border_is_where_the_step_is_as_long_as_a_time_constant(
    name: str, step_ms: float
) -> None:
    cell = CELLS[name]
    step_ms /= steps_needed(cell, step_ms)
    found = calm(cell, step_ms)
    bounded = 0
    for border in (found.low, found.high):
        for k in np.flatnonzero(np.isfinite(border)):
            here = np.full(2, border[k])
            assert cell.fall_rates(here)[k] * step_ms == pytest.approx(1.0, rel=1e-6)
            bounded += 1
    assert bounded == {"adex": 0, "hodgkin_huxley": 4}.get(name, 2)
    rest = np.broadcast_to(np.asarray(cell.rest_mv, dtype=float), (2,))
    assert (found.low < rest).all()
    assert (rest < found.high).all()
    if name != "izhikevich":
        far = np.array([cell.fall_rates(rest, 1e6 * g)[k] for k, g in enumerate(found.conductance)])
        np.testing.assert_allclose(far * step_ms, 1e6, rtol=1e-4)


def test_what_is_too_fast_for_a_step_at_rest_is_divided_for_all() -> None:
    assert steps_needed(AdEx(model="adex", size=1), 2.0) == 1
    assert steps_needed(AdEx(model="adex", size=2, leak_ns=[30.0, 3000.0]), 0.5) == 6
    assert steps_needed(Izhikevich(model="izhikevich", size=1, a_per_ms=3.0), 1.0) == 3
    assert steps_needed(QIF(model="qif", size=1, tau_m_ms=0.2), 1.0) == 5
    assert steps_needed(HodgkinHuxley(model="hodgkin_huxley", size=1), 0.1) == 4
    fast = HodgkinHuxley(model="hodgkin_huxley", size=1, capacitance_pf=10.0)
    assert steps_needed(fast, 0.1) > 20


def test_a_model_that_says_nothing_is_known_by_its_slopes() -> None:
    class Falling(Izhikevich):
        """The same, without a word on its rates."""

        def fall_rates(self, v_mv: np.ndarray, conductance: float = 0.0) -> np.ndarray:
            return NeuronModel.fall_rates(self, v_mv, conductance)

    fields: dict[str, Any] = {"model": "izhikevich", "size": 3, "c_mv": [-65.0, -60.0, -65.0]}
    told, found = (calm(cell(**fields), 1.0) for cell in (Izhikevich, Falling))
    np.testing.assert_allclose(found.low, told.low, atol=1e-4)
    assert told.low[0] == pytest.approx(-75.0)
    assert np.isposinf(told.high).all()
