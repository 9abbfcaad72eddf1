"""Training runs and spikes that several commands read."""

from __future__ import annotations

import numpy as np
import pytest
from calling import call

from spikelearn import Activity
from spikelearn._files import write_yaml
from spikelearn.spikes import PopulationSpikes


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """A folder of runs made by `spikelearn train`, one of rates and one of spikes."""
    folder = tmp_path_factory.mktemp("trained")
    write_yaml(folder / "small.yaml", {"kind": "mlp", "name": "small", "sizes": [784, 12, 10]})
    spiking = {"kind": "spiking_mlp", "name": "spiking", "sizes": [784, 12, 10], "duration_ms": 10}
    write_yaml(folder / "spiking.yaml", spiking)
    for rule, model in (("backprop", "small"), ("surrogate", "spiking")):
        result = call(
            "train", "--rule", rule, "--model", folder / f"{model}.yaml", "--images", 200,
            "--epochs", 1, "--out", folder / "runs",
        )  # fmt: skip
        assert result.exit_code == 0, result.output
    return sorted((folder / "runs").iterdir())


@pytest.fixture
def spikes_file(tmp_path):
    """Two trials of two populations, one of them silent."""
    generator = np.random.default_rng(0)
    fires = PopulationSpikes.from_unsorted(
        20, generator.uniform(0, 100, 200), generator.integers(0, 20, 200),
        generator.integers(0, 2, 200),
    )  # fmt: skip
    silent = PopulationSpikes.from_unsorted(3, [], [])
    return Activity({"fires": fires, "silent": silent}, 100.0, 0.1, 2).save(tmp_path / "s.npz")
