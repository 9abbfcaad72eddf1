"""What a description is on the grid: what is kept of an interrupted run, currents step by step."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation.grid.network import PartialRun, to_grid
from spikelearn.stimuli.stimulus import Stimulus


@pytest.mark.parametrize(
    ("reached", "kept"),
    [([100, 100, 30], ([0, 1], 100)), ([40, 25, 30], ([0, 1, 2], 25)), ([0, 0], ([0, 1], 0))],
)
def test_complete_trials_are_kept_or_else_what_all_have_reached(
    reached: list[int], kept: tuple[list[int], int]
) -> None:
    trials, steps = PartialRun(({}, {}, {}), np.array(reached)).kept(100)
    assert (trials.tolist(), steps) == kept


def test_a_current_is_told_step_by_step_for_the_trials_asked_for() -> None:
    network = SpikingNetwork(name="x", populations={"n": LIF(size=2, v_threshold_mv=1.0)})
    current = np.arange(3 * 4 * 2, dtype=float).reshape(3, 4, 2)
    stimulus = Stimulus(tuple("abc"), currents_mv={"n": current})
    grid = to_grid(network, stimulus, 2.0, 0.5, 0, ())
    assert (grid.n_steps, grid.n_trials, grid.driven("n")) == (4, 3, True)
    np.testing.assert_array_equal(np.stack(list(grid.drive("n", 1, 3)), axis=1), current[1:3])


def test_a_refractory_period_off_the_grid_is_refused() -> None:
    cell = LIF(size=1, v_threshold_mv=1.0, refractory_ms=1.25)
    network = SpikingNetwork(name="x", populations={"n": cell})
    with pytest.raises(SpikelearnError, match="'n': refractory_ms must be a multiple of the time"):
        to_grid(network, Stimulus(), 10.0, 0.5, 0, ())
