"""What goes wrong in networks that spike is said, with its cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from spikelearn._files import write_yaml
from spikelearn.networks import load_model
from spikelearn.networks.latency_mlp import LatencyMLP
from spikelearn.networks.mlp import MLP
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.rules import make_rule
from spikelearn.training import TrainingWarning
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import train
from spikelearn.training.measures import spiking_problems


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


def spiking(tmp_path: Path, **fields: Any) -> str:
    path = tmp_path / "small_spiking.yaml"
    content = {"kind": "spiking_mlp", "name": "small_spiking", "sizes": [784, 20, 10]}
    write_yaml(path, {**content, "duration_ms": 15.0, "readout": "potential", **fields})
    return str(path)


RULES = ["surrogate", "eprop_spiking", "ottt", "decolle"]


@pytest.mark.parametrize("rule", RULES)
def test_of_a_silent_layer_it_is_said_before_training_with_a_cure(
    rule: str, tmp_path: Path
) -> None:
    model = spiking(tmp_path, v_threshold_mv=1000.0)
    sentence = r"^before training, layer 'hidden' is silent.*lower the model's v_threshold_mv"
    with pytest.warns(TrainingWarning, match=sentence) as caught:
        run = train(config(model, rule, n_train=60, epochs=2))
    assert len(caught) == 1  # once, not after every epoch
    assert "\n" not in str(caught[0].message)
    assert "layer 'hidden' is silent" in run.summary["flag"]


@pytest.mark.parametrize("rule", RULES)
def test_of_exploding_rates_it_is_said_when_they_do(rule: str, tmp_path: Path) -> None:
    model = spiking(tmp_path, v_threshold_mv=0.001, max_rate_hz=1000.0)
    with pytest.warns(TrainingWarning, match=r"rates explode in layer '(hidden|output)'.*lower"):
        train(config(model, rule, n_train=60, epochs=1, learning_rate=0.5))


def test_of_dead_units_it_is_said_how_many_there_are(latency_model: str) -> None:
    rule = make_rule("eventprop")
    network = load_model(latency_model).build(0)  # type: ignore[union-attr]
    rule.prepare(network, torch.Generator())
    x = torch.rand(50, 784, generator=torch.Generator().manual_seed(0))
    assert spiking_problems(rule, x) == {}
    with torch.no_grad():
        network.weights[0][:30] = -1.0
    (sentence,) = spiking_problems(rule, x).values()
    dead = int((rule.activity(x)["hidden"] == 0).all(0).sum())
    assert dead >= 30
    assert sentence.startswith(f"{dead / 40:.0%} of layer 'hidden' are dead units")
    assert "learning rate" in sentence
    network = LatencyMLP(name="l", sizes=(784, 9, 10), max_spikes=6, weight_mean=1e4).build(0)
    rule.prepare(network, torch.Generator())
    (sentence,) = spiking_problems(rule, x).values()
    assert sentence.startswith("rates explode in layer 'hidden'")
    assert "6.0 times an image, of 6 possible" in sentence


def test_of_layers_above_a_silent_one_nothing_is_said() -> None:
    model = SpikingMLP(name="s", sizes=(784, 9, 8, 10), v_threshold_mv=1000.0)
    rule = make_rule("surrogate")
    rule.prepare(model.build(0), torch.Generator())
    assert list(spiking_problems(rule, torch.rand(5, 784))) == ["silent hidden1"]


def test_networks_of_rates_have_none_of_these_problems() -> None:
    rule = make_rule("backprop")
    rule.prepare(MLP(name="m", sizes=(784, 9, 10)).build(0), torch.Generator())
    assert spiking_problems(rule, torch.zeros(5, 784)) == {}


def test_the_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from spikelearn.cli import app

    model = spiking(tmp_path, v_threshold_mv=1000.0)
    arguments = ["train", "--rule", "ottt", "--model", model, "--images", "60", "--epochs", "1"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "runs")])
    assert result.exit_code == 0, result.output
    said = [line for line in result.output.splitlines() if line.startswith("Warning: ")]
    assert len(said) == 1
    assert said[0].startswith("Warning: before training, layer 'hidden' is silent")
