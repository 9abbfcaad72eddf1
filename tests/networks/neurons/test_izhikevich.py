"""Izhikevich's neurons against another integrator and the paper's figure."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from under_current import under_current

from spikelearn.networks.neurons import (
    Izhikevich,
)

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
