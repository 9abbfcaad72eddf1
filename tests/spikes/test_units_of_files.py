"""Weights and states are written with the unit that they have."""

from __future__ import annotations

import dataclasses
import itertools
import json

import h5py
import numpy as np
import pynwb
import pytest
from activities import small_activity
from neo.io import NixIO
from scipy.io import loadmat

from spikelearn._errors import SpikelearnError
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.spikes import Activity
from spikelearn.spikes.units import WEIGHT_FIELDS, state_unit
from spikelearn.stimuli.stimulus import Stimulus

NAME = "inhibitory->excitatory"


def in_unit(unit: str) -> Activity:
    return dataclasses.replace(small_activity(), weight_units={NAME: unit})


@pytest.mark.parametrize(
    ("suffix", "unit"),
    [*itertools.product([".nwb", ".h5", ".npz", ".mat"], WEIGHT_FIELDS), (".nix", "nS")],
)
def test_the_unit_of_weights_comes_back_from_every_format(suffix, unit, tmp_path) -> None:
    path = in_unit(unit).save(tmp_path / f"a{suffix}")
    assert Activity.load(path).weight_units == {NAME: unit}
    again = Activity.load(path).save(tmp_path / f"b{suffix}")
    assert Activity.load(again).weight_units == {NAME: unit}


@pytest.mark.parametrize(("unit", "column"), WEIGHT_FIELDS.items())
def test_other_programs_find_the_unit_beside_the_weights(unit, column, tmp_path) -> None:
    activity = in_unit(unit)
    files = {s: activity.save(tmp_path / f"a.{s}") for s in ("nwb", "h5", "mat", "npz", "nix")}
    with pynwb.NWBHDF5IO(str(files["nwb"]), "r") as io:
        (found,) = io.read().analysis[NAME].columns
        assert found.name == column
        assert found.description == f"Weight in {unit} to each target neuron."
    with h5py.File(files["h5"]) as file:
        assert file["spikelearn/weights_0"].attrs["units"] == unit
        assert file["spikelearn/state_0"].attrs["units"] == "mV"
    record = loadmat(files["mat"])["activity"][0, 0]
    assert record["weights"][0, 0]["unit"][0] == unit
    assert record["states"][0, 0]["unit"][0] == "mV"
    with np.load(files["npz"]) as archive:
        assert archive["weights_0_unit"] == unit
    reader = NixIO(str(files["nix"]), "ro")
    try:
        assert reader.read_block().annotations["weights_0_unit"] == unit
    finally:
        reader.close()
    block = activity.to_neo()
    assert block.annotations["weights_0_unit"] == unit
    assert json.loads(block.annotations["activity"])["weights"][NAME]["unit"] == unit


@pytest.mark.parametrize(
    ("field", "unit", "fields"),
    [
        ("weight_ns", "nS", {"tau_ms": 5.0, "reversal_mv": 0.0}),
        ("weight_pa", "pA", {"tau_ms": 5.0}),
        ("weight_mv", "mV", {"tau_ms": 5.0}),
    ],
)
def test_a_simulation_says_the_unit_of_its_plastic_weights(field, unit, fields, tmp_path) -> None:
    stdp = {"rule": "stdp", "a_plus": 0.1, "a_minus": 0.1, "w_min": 0.0, "w_max": 5.0}
    network = SpikingNetwork.model_validate(
        {
            "name": "plastic",
            "populations": {
                "in": {"model": "spike_source", "size": 2},
                "out": {"model": "lif", "size": 1, "v_threshold_mv": 50.0, "leak_ns": 10.0},
            },
            "projections": [
                {"source": "in", "target": "out", field: np.full((2, 1), 1.5), "plasticity": stdp,
                 "synapse": {"model": "exponential", **fields}},
            ],
        }
    )  # fmt: skip
    shown = Stimulus.from_spike_times("in", [[1.0], [2.0]])
    # This engine has nothing to compile.
    activity = simulate(network, shown, duration_ms=10.0, dt_ms=0.5, backend="brian2:numpy")
    assert activity.weight_units == {"in->out": unit}
    # The weights themselves are in that unit, not in the engine's.
    np.testing.assert_allclose(activity.weights["in->out"], 1.5)
    # Files of earlier versions do not say it; the network that was simulated does.
    silent = dataclasses.replace(activity, weight_units={})
    assert silent.weight_units == {"in->out": unit}
    again = network.with_weights(activity.weights, activity.weight_units)
    np.testing.assert_array_equal(again.projections[0].weight, activity.weights["in->out"])
    other = "nS" if unit != "nS" else "mV"
    with pytest.raises(SpikelearnError, match=f"has weights in {unit}, but these are in {other}"):
        network.with_weights(activity.weights, {"in->out": other})
    with pynwb.NWBHDF5IO(str(activity.save(tmp_path / "a.nwb")), "r") as io:
        assert io.read().analysis["in->out"].colnames == (field,)


def test_weights_put_back_need_one_projection_of_their_name() -> None:
    one = {"source": "in", "target": "out", "weight_mv": np.ones((1, 1))}
    network = SpikingNetwork.model_validate(
        {
            "name": "twice",
            "populations": {
                "in": {"model": "spike_source", "size": 1},
                "out": {"model": "lif", "size": 1, "v_threshold_mv": 5.0},
            },
            "projections": [one, {**one, "delay_ms": 2.0}],
        }
    )
    with pytest.raises(SpikelearnError, match="more than one projection 'in->out'"):
        network.with_weights({"in->out": np.zeros((1, 1))})


@pytest.mark.parametrize(
    ("name", "unit", "si_name", "si"),
    [("a.v_mv", "mV", "volts", 1e-3), ("a.w_pa", "pA", "amperes", 1e-12),
     ("a.g_ns", "nS", "siemens", 1e-9), ("a.u", "", "n.a.", 1.0)],
)  # fmt: skip
def test_states_are_written_in_the_unit_of_their_name(name, unit, si_name, si, tmp_path) -> None:
    assert (state_unit(name).name, state_unit(name).si) == (unit, si)
    activity = dataclasses.replace(small_activity(), states={name: np.ones((3, 500, 4))})
    activity = dataclasses.replace(activity, populations={"a": activity["excitatory"]}, weights={})
    with pynwb.NWBHDF5IO(str(activity.save(tmp_path / "a.nwb")), "r") as io:
        series = io.read().acquisition[name]
        assert (series.unit, series.conversion) == (si_name, si)
    (signal,) = activity.to_neo().segments[0].analogsignals
    assert signal.dimensionality.string == (unit or "dimensionless")
    found = Activity.load(activity.save(tmp_path / "a.nix")).states[name]
    np.testing.assert_array_equal(found, activity.states[name])
