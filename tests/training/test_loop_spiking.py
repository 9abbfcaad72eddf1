"""Training networks of spike times, by the one training loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spikelearn._files import write_yaml
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import train
from spikelearn.training.opening import open_run


@pytest.fixture
def latency_model(tmp_path: Path) -> str:
    """Path of a small network of spike times."""
    path = tmp_path / "small_latency.yaml"
    content = {"kind": "latency_mlp", "name": "small_latency", "sizes": [784, 40, 10]}
    write_yaml(path, {**content, "dt_ms": 1.0, "max_spikes": 2})
    return str(path)


def config(model: str, rule: str, **changes: Any) -> TrainConfig:
    options = {"source": "embedded", "n_train": 1000, "epochs": 3, "batch_size": 16, **changes}
    return TrainConfig(model=model, rule=rule, **options)


def test_eventprop_trains_the_network_of_spike_times(latency_model: str, tmp_path: Path) -> None:
    run = train(config(latency_model, "eventprop", learning_rate=5e-3, epochs=5), tmp_path / "runs")
    untrained = train(config(latency_model, "untrained_latency"))
    assert run.summary["test_accuracy"] > untrained.summary["test_accuracy"] + 0.3
    assert run.summary["test_accuracy"] > 0.65
    again = open_run(run.folder)
    assert again.summary == run.summary
    assert list(run.layers["layer"]) == ["hidden", "output"]
