"""The training loop on every kind of network, with stopping."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from spikelearn import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn.rules import make_rule
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import train


@pytest.fixture
def model(tmp_path) -> str:
    """Path of a small perceptron."""
    path = tmp_path / "small.yaml"
    write_yaml(path, {"kind": "mlp", "name": "small", "sizes": [784, 12, 8, 10]})
    return str(path)


def config(model: str, rule: str = "backprop", **changes: Any) -> TrainConfig:
    options = {"source": "embedded", "n_train": 300, "epochs": 2, **changes}
    return TrainConfig(model=model, rule=rule, **options)


def test_patience_stops_a_run_that_gets_no_better(model: str) -> None:
    # At so small a rate no validation image changes sides.
    found = config(model, epochs=20, learning_rate=1e-9, patience=3)
    run = train(found)
    assert len(run.epochs) == 1 + 1 + 3  # the start, the best, and three that were no better
    assert run.summary["best_epoch"] == 1


def test_a_convolutional_network_trains_and_reads_back(tmp_path) -> None:
    path = tmp_path / "cnn.yaml"
    description = {
        "kind": "cnn", "name": "c", "input_shape": [1, 28, 28], "channels": [4], "pool": [4],
    }  # fmt: skip
    write_yaml(path, description)
    run = train(config(str(path), epochs=6, n_train=1000, learning_rate=0.01), tmp_path / "runs")
    assert run.summary["test_accuracy"] > 0.6
    assert list(run.layers["layer"]) == ["hidden1", "output"]
    again = train(config(str(path), epochs=6, n_train=1000, learning_rate=0.01), tmp_path / "runs")
    assert again.summary == run.summary


@pytest.mark.parametrize("kind", ["elman", "gru"])
def test_a_recurrent_network_reads_digits_row_by_row(kind: str, tmp_path) -> None:
    path = tmp_path / "r.yaml"
    write_yaml(path, {"kind": kind, "name": "r", "n_steps": 28, "row": 28, "hidden": 32})
    run = train(
        config(str(path), "backprop_through_time", epochs=8, n_train=1500, learning_rate=0.005)
    )
    assert run.summary["test_accuracy"] > 0.5


@pytest.mark.parametrize("label", [-1, 5])
def test_labels_out_of_range_get_one_sentence(label: int) -> None:
    from spikelearn.networks.mlp import MLP

    rule = make_rule("backprop")
    rule.prepare(MLP(name="m", sizes=(4, 3, 5)).build(0), torch.Generator())
    with pytest.raises(SpikelearnError, match=f"label {label} is out of range") as raised:
        rule.update(torch.rand(3, 4), torch.tensor([0, label, 1]), lambda: None)
    assert "\n" not in str(raised.value)
