"""What spikes by a name, and the run in a folder: one way for every command and for sweeps."""

from __future__ import annotations

import nir
import numpy as np
import pytest

import spikelearn as sl
from spikelearn.networks.content import content
from spikelearn.training.opening import open_run
from spikelearn.training.spiking_model import as_spiking, is_nir, spiking_model


@pytest.fixture(scope="module")
def integrators(tmp_path_factory):
    """A file of integrators without a leak, which programs mean otherwise."""
    nodes = {
        "input": nir.Input(np.array([2])),
        "weights": nir.Linear(np.array([[0.4, 0.4]])),
        "cells": nir.IF(r=np.ones(1), v_threshold=np.ones(1)),
        "output": nir.Output(np.array([1])),
    }
    edges = list(zip(list(nodes), list(nodes)[1:], strict=False))
    path = tmp_path_factory.mktemp("nir") / "theirs.nir"
    nir.write(path, nir.NIRGraph(nodes, edges, type_check=False))
    return str(path)


def test_a_nir_file_is_read_as_it_is_said(integrators):
    assert [is_nir(name) for name in (integrators, "A.NIR", "brunel2000")] == [True, True, False]
    with pytest.raises(sl.SpikelearnError, match="written_by"):
        spiking_model(integrators)
    for reset in ("subtract", "to_value"):
        network = spiking_model(integrators, 1.0, "sinabs", reset)
        expected = sl.SpikingNetwork.from_nir(integrators, 1.0, "sinabs", reset)
        assert content(network) == content(expected)
        assert as_spiking(network, 0) is network
    with pytest.raises(sl.SpikelearnError, match=r"reset='subtract' is of \.nir files; lif_neuron"):
        spiking_model("lif_neuron", reset="subtract")


def test_a_classifier_is_built_of_the_seed_and_one_of_rates_is_refused():
    described = spiking_model("snn_784")
    first, again, other = (as_spiking(described, seed).projections[0] for seed in (0, 0, 1))
    assert np.array_equal(first.weight, again.weight)
    assert not np.array_equal(first.weight, other.weight)
    with pytest.raises(sl.SpikelearnError, match="of kind mlp, which does not spike"):
        spiking_model("mlp_784")


def test_a_run_is_opened_by_whichever_rule_it_was_trained(tmp_path):
    config = sl.TrainConfig(model="mlp_64", rule="backprop", dataset="digits", epochs=1, n_train=60)
    run = sl.train(config, tmp_path)
    assert open_run(run.folder).summary == run.summary
    with pytest.raises(sl.SpikelearnError, match="network of rates, which does not spike"):
        spiking_model(run.folder)


def test_sweeps_read_nir_files_as_the_other_commands_do(integrators):
    from spikelearn.sweeps.simulated import SimulatedRuns

    def network(changes, **base):
        sweep = sl.Sweep(simulate={"model": integrators, "duration_ms": 10, **base})
        return content(SimulatedRuns(sweep).simulation(changes, 0).network)

    for reset in ("subtract", "to_value"):
        expected = content(spiking_model(integrators, 1.0, "sinabs", reset))
        assert network({}, dt_ms=1, written_by="sinabs", reset=reset) == expected
        of_axes = {"simulate.reset": reset, "simulate.dt_ms": 1, "simulate.written_by": "sinabs"}
        assert network(of_axes) == expected
    with pytest.raises(sl.SpikelearnError, match="written_by"):
        network({}, dt_ms=1)
