"""Plain `brian2` takes NumPy, or Cython where NumPy would take long; and says which."""

from __future__ import annotations

import dataclasses

import pytest

from spikelearn.networks import load_model
from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.brian2.choice import WORTH_COMPILING_S, choose_target, seconds_on_numpy
from spikelearn.simulation.grid.network import GridNetwork, to_grid
from spikelearn.stimuli.stimulus import Stimulus


def on_grid_for(seconds: float, model: str = "vogels_abbott_cuba") -> GridNetwork:
    """CUBA, or another network, for so long that NumPy would take so many seconds."""
    network = load_model(model)
    assert isinstance(network, SpikingNetwork)
    short = to_grid(network, Stimulus(), 100.0, 0.1, 0, ())
    duration_ms = round(100.0 * seconds / seconds_on_numpy(short), 1)
    return to_grid(network, Stimulus(), duration_ms, 0.1, 0, ())


@pytest.mark.parametrize("model", ["vogels_abbott_cuba", "vogels_abbott_coba"])
@pytest.mark.parametrize(
    ("longer", "compiles", "expected"),
    [(0.99, True, "numpy"), (1.01, True, "cython"), (1.01, False, "numpy")],
)
def test_the_rule_weighs_what_numpy_would_take(
    longer: float, compiles: bool, expected: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "spikelearn.simulation.brian2.choice"
    monkeypatch.setattr(f"{module}.compiler", lambda: "c++" if compiles else None)
    monkeypatch.setattr(f"{module}.cython_works", lambda: compiles)
    monkeypatch.setattr(f"{module}.os.name", "posix")
    assert choose_target(on_grid_for(longer * WORTH_COMPILING_S, model)) == expected


def test_the_estimate_grows_with_all_that_numpy_works_on() -> None:
    base = on_grid_for(1.0)
    network = load_model("vogels_abbott_cuba")
    assert isinstance(network, SpikingNetwork)
    stimulus = Stimulus(labels=("a", "b"))
    duration_ms = base.n_steps * base.dt_ms
    longer = to_grid(network, Stimulus(), 2 * duration_ms, 0.1, 0, ())
    assert seconds_on_numpy(longer) == pytest.approx(2 * seconds_on_numpy(base))
    batch = to_grid(network, stimulus, duration_ms, 0.1, 0, ())
    assert seconds_on_numpy(batch) > 1.2 * seconds_on_numpy(base)
    halved = dataclasses.replace(base, synapses=base.synapses[:2])
    assert seconds_on_numpy(halved) < seconds_on_numpy(base)
    stiff = load_model("hodgkin_huxley1952")
    assert isinstance(stiff, SpikingNetwork)
    few, many = (to_grid(stiff, Stimulus(), 100.0, dt_ms, 0, ()) for dt_ms in (0.1, 0.01))
    # Ten times the steps, each with a quarter of the Runge-Kutta steps.
    assert seconds_on_numpy(many) == pytest.approx(2.5 * seconds_on_numpy(few), rel=0.2)


def test_short_work_runs_on_numpy_and_the_provenance_says_so() -> None:
    network = SpikingNetwork(name="n", populations={"n": LIF(size=1, v_threshold_mv=1.0)})
    provenance = simulate(network, None, 10.0, 0.1, "brian2").provenance
    assert (provenance["backend"], provenance["backend_target"]) == ("brian2", "numpy")
