"""Potentials of some neurons: those of all, at these neurons, whatever the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.simulation import BACKENDS
from spikelearn.simulation.memory import Run, needed_bytes

NETWORK = sl.SpikingNetwork(
    name="two",
    populations={
        "a": {"model": "lif", "size": 5, "v_threshold_mv": 10.0, "v_rest_mv": [0, 1, 2, 3, 4]},
        "b": {"model": "lif", "size": 3, "v_threshold_mv": 10.0},
    },
    projections=[{"source": "a", "target": "b", "weight_mv": 1.0, "delay_ms": 1.0}],
)
SHOWN = sl.Stimulus(currents_mv={"a": np.linspace(8, 14, 10).reshape(2, 1, 5)}, labels=("x", "y"))


def simulated(record: Any, backend: str = "native") -> sl.Activity:
    return sl.simulate(NETWORK, SHOWN, 30.0, 0.1, backend, record=record)


@pytest.mark.parametrize("backend", list(BACKENDS))
def test_some_neurons_are_those_of_all(backend: str) -> None:
    every = simulated(["a", "b"], backend)
    some = simulated({"a": [4, 1], "b": slice(None, None, 2)}, backend)
    assert every.n_spikes > 0
    assert np.array_equal(some.states["a.v_mv"], every.states["a.v_mv"][:, :, [4, 1]])
    assert np.array_equal(some.states["b.v_mv"], every.states["b.v_mv"][:, :, [0, 2]])
    assert some.provenance["recorded_neurons"] == {"a": [4, 1], "b": [0, 2]}
    assert "recorded_neurons" not in every.provenance
    assert dict(some.populations) == dict(every.populations)


def test_one_neuron_and_all_are_said_shortly() -> None:
    activity = simulated({"a": 3, "b": None})
    assert activity.states["a.v_mv"].shape == (2, 300, 1)
    assert activity.states["b.v_mv"].shape == (2, 300, 3)
    assert activity.provenance["recorded_neurons"] == {"a": [3]}
    assert simulated(None).states == {}
    assert simulated({"a": np.array([0, 2])}).states["a.v_mv"].shape[2] == 2


def test_files_keep_which_neurons_they_are(tmp_path: Path) -> None:
    activity = simulated({"a": [4, 1]})
    for suffix in (".npz", ".nwb", ".h5"):
        read = sl.load_activity(activity.save(tmp_path / f"some{suffix}"))
        assert read.provenance["recorded_neurons"] == {"a": [4, 1]}
        assert np.array_equal(read.states["a.v_mv"], activity.states["a.v_mv"])


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("c", "cannot record the potential of 'c'; there are a, b"),
        (3, r"or neurons by name as in \{'a': \[0, 1\]\}, found 3"),
        (True, "found True"),
        ({"a": [5]}, "there is no neuron 5 in 'a'; they are 0 to 4"),
        ({"a": -1}, "there is no neuron -1 in 'a'"),
        ({"a": [0, 0]}, "each neuron of 'a' is named once"),
        ({"a": [0.5]}, "whole numbers, a list of them or a slice, found 0.5"),
        ({"a": 1.5}, "found 1.5"),
        ({"a": "all"}, "found 'all'"),
        ({"a": [True]}, "found True"),
        ({"a": slice("x")}, "a slice of 'a' is made of whole numbers"),
        ({"a": slice(None, None, 0)}, "its step not 0, found slice"),
        ({"a": []}, r"no neuron of 'a' is chosen by \[\]; they are 0 to"),
        ({"a": slice(2, 1)}, "no neuron of 'a' is chosen by slice"),
        ({"c": [0]}, "cannot record the potential of 'c'"),
        ("a.w_pa", "of neurons, spikes and membrane potentials are recorded, and nothing else"),
    ],
)
def test_what_cannot_be_recorded_is_told(record: Any, said: str) -> None:
    with pytest.raises(sl.SpikelearnError, match=said):
        simulated(record)


def test_potentials_of_some_neurons_need_memory_for_these() -> None:
    network = sl.load_model("brunel2000")
    steps = (1, 100_000, 0.1, ("excitatory",))
    every = needed_bytes(Run(network, "native", *steps))
    some = needed_bytes(Run(network, "native", *steps, chosen={"excitatory": 10}))
    none = needed_bytes(Run(network, "native", *steps[:3]))
    assert 0 < some - none < 0.01 * (every - none)
