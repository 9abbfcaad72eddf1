"""A long simulation is told to be one before it starts, about how long, and runs all the same."""

from __future__ import annotations

import time
import warnings
from typing import Any

import pytest

from spikelearn import load_model, simulate
from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation.memory import Run
from spikelearn.simulation.running_time import LongRunWarning, expected_seconds
from spikelearn.stimuli.stimulus import Stimulus

ONE = SpikingNetwork(name="one", populations={"n": LIF(size=1, v_threshold_mv=1.0)})
DAY_S = 86400.0


def test_steps_trials_neurons_and_synapses_take_time() -> None:
    network = load_model("potjans_diesmann2014")

    def seconds(
        made: Any = network, backend: str = "native", trials: int = 1, n: int = 1000
    ) -> float:
        return expected_seconds(Run(made, backend, trials, n, 0.1))

    assert seconds(n=10_000) == pytest.approx(10 * seconds())
    assert seconds(trials=80) > 9 * seconds(trials=1)
    assert seconds(network.scaled(0.1)) < 0.2 * seconds()
    assert seconds(backend="brian2:numpy") > seconds()
    for backend in ("brian2", "snntorch", "norse"):
        assert seconds(ONE, backend, 1, 10**13) > 365 * DAY_S
    assert seconds(ONE, "native", 10**400, 10**400) > 1e30


def test_a_long_run_is_told_of_once_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    began = []

    class Engine:
        FEATURES: frozenset[str] = frozenset()

        def run(self, grid: Any, progress: Any, precision: str) -> Any:
            began.append(grid.n_steps)
            raise KeyboardInterrupt

    with pytest.warns(LongRunWarning) as told, pytest.raises(KeyboardInterrupt):
        simulate(ONE, None, 1e9, 0.1, Engine())
    assert began == [10**10]
    (message,) = [str(one.message) for one in told]
    assert message.startswith("the simulation of 'one' will take about ")
    assert "1 trial of 10,000,000,000 steps of 0.1 ms" in message
    assert "\n" not in message
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate(ONE, Stimulus(currents_mv={"n": 0.5}), 100.0, 0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "duration"),
    [("brunel2000", 500.0), ("izhikevich2003", 1000.0), ("hodgkin_huxley1952", 20_000.0)],
)
def test_shipped_models_take_about_as_long_as_is_told(name: str, duration: float) -> None:
    # Ten times as long, or a tenth: what a machine that is busy or young may make of it.
    network = load_model(name)
    simulate(network, duration_ms=1.0)  # compiled
    step = network.dt_ms or 0.1
    told = expected_seconds(Run(network, "native", 1, round(duration / step), step))
    start = time.process_time()
    simulate(network, duration_ms=duration)
    took = time.process_time() - start
    assert took / 10 < told < took * 10
