"""What the benchmark of NEST on several ranks compares, of spikes that are known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import nest_mpi

from spikelearn.networks.spiking import SpikingNetwork

Spikes = dict[str, tuple[np.ndarray, ...]]


def spikes(times: list[float], senders: list[int], name: str = "n") -> Spikes:
    return {name: (np.array(times), np.array(senders), np.zeros(len(times), dtype=int))}


def test_every_spike_that_differs_counts_on_either_side():
    ours = spikes([1.0, 2.0, 2.0], [0, 0, 1])
    assert nest_mpi.unlike(ours, spikes([2.0, 1.0, 2.0], [1, 0, 0])) == 0
    assert nest_mpi.unlike(ours, spikes([1.0, 2.0], [0, 0])) == 1
    assert nest_mpi.unlike(ours, spikes([1.0, 2.0, 2.0, 2.0], [0, 0, 1, 1])) == 1
    assert nest_mpi.unlike(ours, spikes([1.0, 2.0, 2.0 + 1e-12], [0, 0, 1])) == 2
    with pytest.raises(ValueError, match="two networks"):
        nest_mpi.unlike(ours, spikes([1.0], [0], "m"))


def test_what_is_built_is_not_built_again_and_comes_before_another_nest(tmp_path):
    for name in ("nest", "mpi4py"):
        (tmp_path / "packages" / name).mkdir(parents=True)
    packages = nest_mpi.built(tmp_path)
    assert packages == tmp_path / "packages"
    assert nest_mpi.environment(packages)["PYTHONPATH"].startswith(str(packages))


def test_the_models_that_are_built_are_those_that_the_engine_makes():
    engine = Path(nest_mpi.ROOT / "spikelearn" / "simulation" / "nest" / "network.py").read_text()
    for name in nest_mpi.MODELS:
        known = name.replace("_exp_", "_{").replace("_alpha_", "_{").partition("{")[0]
        assert known in engine or name == "static_synapse"  # NEST's own, where none is named
    assert SpikingNetwork.model_validate(nest_mpi.MIXED).populations["one"].size == 1
