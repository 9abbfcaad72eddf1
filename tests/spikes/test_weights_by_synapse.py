"""Weights by synapse keep their synapses in every format that keeps weights."""

from __future__ import annotations

import dataclasses
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from spikelearn import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn.spikes import FORMATS, Activity, from_neo, to_neo
from spikelearn.spikes.metadata import describe, digest, parse

PRE, POST, VALUES = [0, 2, 0, 2], [1, 0, 1, 1], [0.5, 2.0, 0.25, -1 / 3]
WEIGHTS = {
    "in->n": SynapticWeights(PRE, POST, VALUES, (3, 2)),
    "n->n": np.arange(4.0).reshape(2, 2),
    "in->none": SynapticWeights([], [], [], (3, 2)),
}
ACTIVITY = Activity(
    populations={"n": PopulationSpikes.from_unsorted(2, [1.0, 4.0], [0, 1])},
    duration_ms=10.0,
    dt_ms=0.5,
    weights=WEIGHTS,
    weight_units={"in->n": "nS", "n->n": "mV"},
)
COMPLETE = [name for name, module in FORMATS.items() if importlib.import_module(module).COMPLETE]


def check(found: Activity) -> None:
    assert list(found.weights) == list(WEIGHTS)
    for name, wanted in WEIGHTS.items():
        weights = found.weights[name]
        assert isinstance(weights, SynapticWeights) == isinstance(wanted, SynapticWeights)
        np.testing.assert_array_equal(weights, wanted)
    by_synapse = found.weights["in->n"]
    assert (by_synapse.pre.tolist(), by_synapse.post.tolist()) == (PRE, POST)
    assert by_synapse.values.tolist() == VALUES
    assert found.weights["in->none"].shape == (3, 2)
    assert found.weight_units["in->n"] == "nS"


@pytest.mark.parametrize("suffix", COMPLETE)
def test_every_synapse_comes_back(suffix: str, tmp_path: Path) -> None:
    path = ACTIVITY.save(tmp_path / f"spikes{suffix}")
    found = Activity.load(path)
    check(found)
    check(Activity.load(found.save(tmp_path / f"again{suffix}")))
    assert digest(found) == digest(ACTIVITY)


def test_neo_keeps_them_too() -> None:
    check(from_neo(to_neo(ACTIVITY)))


def test_matlab_counts_their_neurons_from_1(tmp_path: Path) -> None:
    ACTIVITY.save(tmp_path / "spikes.mat")
    weights = loadmat(tmp_path / "spikes.mat")["activity"][0, 0]["weights"]
    rows = np.column_stack([np.add(PRE, 1), np.add(POST, 1), VALUES])
    np.testing.assert_array_equal(weights[0, 0]["values"], rows)


def test_only_such_files_are_of_a_layout_that_earlier_versions_do_not_read() -> None:
    assert json.loads(describe(ACTIVITY))["version"] == 2
    plain = dataclasses.replace(ACTIVITY, weights={}, weight_units={})
    assert json.loads(describe(plain))["version"] == 1
    later = json.dumps({**json.loads(describe(plain)), "version": 4})
    with pytest.raises(SpikelearnError, match="this toolkit reads version 3"):
        parse(later)
