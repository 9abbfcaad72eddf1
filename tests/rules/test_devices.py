"""Every rule works on the device that its network is on, and only there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from spikelearn._files import write_yaml
from spikelearn.rules.rule import Rule
from spikelearn.rules.small_network import SmallNetwork, named
from spikelearn.training.config import TrainConfig
from spikelearn.training.images import Split
from spikelearn.training.loop import open_trained_run, train
from spikelearn.training.measures import (
    accuracy_of,
    layer_table,
    layer_weights,
    nearest_centroid_accuracy,
    predict,
    spiking_problems,
)
from tests.rules.other_device import DEVICES, OTHER, back, other_device
from tests.rules.test_checks import CASES, model_of

# Largest relative difference in 64 bits.
RTOL = {"meta": 1e-12, "cuda": 1e-9}


def learnt(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
    """Two updates' sums by parameter, with a prediction between them, and the scores."""
    found: dict[str, torch.Tensor] = {}

    def add_up() -> None:
        for name, parameter in named(rule).items():
            if parameter.grad is not None:
                found[name] = found.get(name, 0) + back(parameter.grad).detach()
            parameter.grad = None

    rule.update(x, y, add_up)
    found["scores"] = back(rule.predict(x)).clone()
    rule.begin_epoch(2, 2)
    rule.update(x, y, add_up)
    found["objective"] = back(rule.objective(x, y)).detach()
    for name, activity in rule.activity(x).items():
        found[name] = back(activity).detach()
    return found


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_rule_does_the_same_on_another_device(name: str, kind: str, device: torch.device) -> None:
    small: Any = SmallNetwork(name, model_of(name, kind), 0)
    expected = learnt(small.fresh(), small.x, small.y)
    with other_device(device):
        rule = small.fresh()
        rule.network.to(device)
        rule.extra.to(device)
        found = learnt(rule, small.x.to(device), small.y.to(device))
    assert found.keys() == expected.keys()
    rtol = RTOL[device.type]
    for key, tensor in expected.items():
        # A GPU adds up in another order: what cancels is near zero by the size of the terms.
        atol = rtol * max(float(tensor.abs().max()), 1e-2) if tensor.numel() else 0.0
        torch.testing.assert_close(found[key], tensor, rtol=rtol, atol=atol, msg=key)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["backprop", "softhebb", "surrogate", "eventprop"])
def test_what_a_run_tells_of_a_network_is_the_same_on_another_device(
    name: str, device: torch.device
) -> None:
    small: Any = SmallNetwork(name, None, 0)

    def told(device: torch.device) -> tuple[pd.DataFrame, list[Any]]:
        rule, data = small.fresh(), Split(small.x, small.y).to(str(device))
        rule.network.to(device)
        rule.extra.to(device)
        return layer_table(rule, layer_weights(small.model.build(0).double()), data), [
            spiking_problems(rule, data.x),
            nearest_centroid_accuracy(rule, data, data),
            accuracy_of(predict(rule, data.x).argmax(1), data.y),
        ]

    layers, words = told(torch.device("cpu"))
    with other_device(device):
        found_layers, found_words = told(device)
    pd.testing.assert_frame_equal(found_layers, layers, rtol=RTOL[device.type], atol=1e-14)
    assert found_words == words


MODELS_OF_DIGITS: dict[str, dict[str, Any]] = {
    "mlp": {"sizes": [64, 24, 10]},
    "cnn": {"input_shape": [1, 8, 8], "channels": [8], "pool": [2], "n_classes": 10},
    "spiking_mlp": {
        "sizes": [64, 24, 10],
        "max_rate_hz": 1000.0,
        "duration_ms": 15.0,
        "readout": "potential",
    },
}


@pytest.fixture
def models(tmp_path: Path) -> dict[str, str]:
    """Paths of small networks that read digits of 8 x 8 pixels, by kind."""
    for kind, content in MODELS_OF_DIGITS.items():
        write_yaml(tmp_path / f"{kind}.yaml", {"kind": kind, "name": kind, **content})
    return {kind: str(tmp_path / f"{kind}.yaml") for kind in MODELS_OF_DIGITS}


def trained(config: TrainConfig, device: torch.device, runs: Path, stop_after: int = 9) -> Any:
    """The run on that device, cut off once after the epoch `stop_after`."""

    def stop(epoch: int, rule: Rule, accuracy: float) -> None:
        if epoch > stop_after:
            raise KeyboardInterrupt

    # A configuration names no stand-in, and would refuse it.
    there = TrainConfig.model_construct(**{**dict(config), "device": str(device)})
    with other_device(device):
        if stop_after < config.epochs:
            with pytest.raises(KeyboardInterrupt):
                train(there, runs, after_epoch=stop)
        return train(there, runs)


@pytest.mark.filterwarnings("ignore::spikelearn.training.TrainingWarning")
@pytest.mark.filterwarnings("ignore:for .*copying from a non-meta parameter")  # copied it is
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("kind", "rule", "changes"),
    [
        ("mlp", "kolen_pollack", {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.5}),
        ("mlp", "predictive_coding", {"learning_rate": 5e-3}),
        ("cnn", "local_predsim_bio", {"learning_rate": 5e-3, "weight_decay": 0.01}),
        ("spiking_mlp", "eprop_spiking", {"learning_rate": 0.03, "batch_size": 50}),
        ("spiking_mlp", "surrogate", {"learning_rate": 0.01, "batch_size": 50}),
    ],
)
def test_a_run_on_another_device_learns_the_same_and_goes_on_after_an_interruption(
    kind: str, rule: str, changes: dict[str, Any], device: torch.device,
    models: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if device == OTHER:  # the fused optimisers know the stand-in no more than anyone
        optimizers = sys.modules["torch.optim.optimizer"]
        known = "_get_fused_kernels_supported_devices"
        monkeypatch.setattr(optimizers, known, lambda: ["cpu", "meta"])
    options: Any = {"n_train": 1000, "epochs": 3, "batch_size": 16, **changes}
    config = TrainConfig(model=models[kind], rule=rule, dataset="digits", **options)
    expected = trained(config, torch.device("cpu"), tmp_path / "cpu")
    found = trained(config, device, tmp_path / "there", stop_after=1)
    # In 32 bits sums in another order differ by 1e-7, which learning makes larger; convolutions on
    # a GPU round to 1e-3. One spike more or less changes all that follows: of spiking networks the
    # loss of the first epoch is compared, and what they reach.
    on_gpu = {"mlp": 1e-3, "cnn": 0.02, "spiking_mlp": 0.05}
    rtol = 1e-6 if device == OTHER else on_gpu[kind]
    few_images = 1e-6 if device == OTHER else max(rtol, 0.02)
    n_epochs = 2 if device != OTHER and kind == "spiking_mlp" else 4
    columns = ("train_loss", "validation_accuracy")
    losses, accuracies = ([run.epochs[c][:n_epochs] for run in (found, expected)] for c in columns)
    pd.testing.assert_series_equal(*losses, rtol=rtol, atol=1e-12)
    alike_until = 4 if n_epochs == 4 else 1
    accuracies = [accuracy[:alike_until] for accuracy in accuracies]
    pd.testing.assert_series_equal(*accuracies, rtol=0, atol=few_images)
    assert list(found.epochs["epoch"]) == [0, 1, 2, 3]
    for column in ("weight_displacement", "dead_units"):
        close = rtol if n_epochs == 4 else 0.2
        pd.testing.assert_series_equal(
            found.layers[column], expected.layers[column], rtol=close, atol=close
        )
    reached = found.summary["test_accuracy"]
    alike = few_images if n_epochs == 4 else 0.1
    assert reached == pytest.approx(expected.summary["test_accuracy"], abs=alike)
    assert reached > 0.6
    again = open_trained_run(found.folder)
    assert again.summary == found.summary
    for key, tensor in again.rule.network.state_dict().items():
        assert tensor.device.type == "cpu"
        assert torch.equal(back(found.rule.network.state_dict()[key]), tensor)


def test_a_tensor_made_on_the_cpu_in_between_is_caught() -> None:
    with other_device():
        x = torch.rand(3).to(OTHER)
        assert x.device == OTHER
        assert torch.equal(back(x + 1.0), back(x) + 1.0)
        with pytest.raises(RuntimeError, match="two devices"):
            x + torch.ones(3)
        assert torch.equal(back(x[torch.tensor([2, 0])]), back(x)[[2, 0]])
        with pytest.raises(RuntimeError, match="two devices"):
            torch.ones(3)[x.argsort()]
        with pytest.raises(RuntimeError, match="generator of another"):
            torch.rand(3, device=OTHER, generator=torch.Generator())
        with pytest.raises((RuntimeError, TypeError, NotImplementedError)):
            x.numpy()
