"""Hebbian rules: options, refusals, the two stages, and that features are worth something."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.hebbian import Hebbian
from spikelearn.training.config import TrainConfig
from spikelearn.training.optimization import Optimizer
from tests.rules.small_networks import family

NAMES = [name for name in family(Hebbian) if name != "random_features"]
MODELS: dict[str, Any] = {
    "mlp": MLP(name="m", sizes=(64, 40, 10)),
    "cnn": CNN(name="c", input_shape=(1, 8, 8), channels=(12,), pool=(2,), n_classes=10),
}


def prepared(name: str, kind: str = "mlp", **options: Any) -> Hebbian:
    rule = make_rule(name, **options)
    rule.prepare(MODELS[kind].build(0), torch_generator(0, "rule"))
    assert isinstance(rule, Hebbian)
    return rule


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    found = load_digits()
    order = torch.randperm(len(found.target), generator=torch.Generator().manual_seed(0))
    x = torch.tensor(found.data / 16.0, dtype=torch.float32)[order]
    return x, torch.tensor(found.target)[order]


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("oja", {"interaction": "x"}, "option 'interaction' must be one of subspace, none"),
        ("oja", {"transform": "x"}, "option 'transform' must be one of"),
        ("oja", {"unsupervised_epochs": -1}, "option 'unsupervised_epochs' must be a number at"),
        ("bcm", {"theta_rate": 2.0}, "option 'theta_rate' must be a number"),
        ("winner_take_all", {"conscience": -1.0}, "option 'conscience' must be a number at least"),
        ("softhebb", {"temperature": 0.0}, "option 'temperature' must be a number at least"),
        ("softhebb", {"radius": 0.0}, "option 'radius' must be a number at least"),
        ("krotov_hopfield", {"rank": 1}, "option 'rank' must be a number at least 2"),
        ("krotov_hopfield", {"p": 1.0}, "option 'p' must be a number at least 2"),
        ("random_features", {"unsupervised_epochs": 3}, "has no option 'unsupervised_epochs'"),
    ],
)
def test_an_option_that_cannot_be_is_refused_in_one_sentence(
    name: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        make_rule(name, **options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["oja", "sanger", "bcm", "krotov_hopfield"])
def test_a_rule_without_a_convolutional_form_refuses_one(name: str) -> None:
    with pytest.raises(SpikelearnError, match="trains networks of kind mlp") as raised:
        prepared(name, "cnn")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", NAMES)
def test_hidden_layers_learn_first_and_then_the_readout(name: str) -> None:
    rule = prepared(name, unsupervised_epochs=2)
    x, y = digits()
    moved = {}
    for epoch in (1, 2, 3):
        rule.begin_epoch(epoch, 3)

        def note(epoch: int = epoch) -> None:
            moved[epoch] = [
                group for group, members in rule.groups().items()
                if any(p.grad is not None for p in members)
            ]  # fmt: skip
            for parameter in rule.parameters():
                parameter.grad = None

        rule.update(x[:20], y[:20], note)
    assert moved == {1: ["network"], 2: ["network"], 3: ["readout"]}


@pytest.mark.parametrize("name", NAMES)
def test_labels_play_no_part_in_the_hidden_layers(name: str) -> None:
    x, y = digits()
    found = []
    for labels in (y[:30], (y[:30] + 3) % 10):
        rule = prepared(name)
        rule.begin_epoch(1, 2)
        weight = rule.network.layers[0].weight
        rule.update(x[:30], labels, lambda w=weight: found.append(w.grad))
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "kind", "rate", "options"),
    [
        ("oja", "mlp", 0.02, {}),
        ("sanger", "mlp", 0.02, {}),
        ("bcm", "mlp", 0.05, {}),
        ("winner_take_all", "mlp", 0.5, {}),
        ("softhebb", "mlp", 0.5, {}),
        ("krotov_hopfield", "mlp", 0.1, {"radius": 5.0, "power": 3.0}),
        ("winner_take_all", "cnn", 0.5, {}),
        ("softhebb", "cnn", 0.1, {}),
        ("random_features", "mlp", 0.0, {}),
        ("random_features", "cnn", 0.0, {}),
    ],
)
def test_a_readout_reads_digits_from_the_features(
    name: str, kind: str, rate: float, options: dict[str, Any]
) -> None:
    x, y = digits()
    rule = prepared(name, kind, **options)
    groups = {"network": {"optimizer": "sgd", "learning_rate": rate}}
    config = TrainConfig(model="mlp_784", rule=name, learning_rate=1e-2, groups=groups)
    optimizer = Optimizer(config, rule)
    start = rule.network.layers[0].weight.detach().clone()
    for epoch in range(1, 9):
        rule.begin_epoch(epoch, 8)
        generator = torch.Generator().manual_seed(epoch)
        for chosen in torch.randperm(1400, generator=generator).split(32):
            rule.update(x[chosen], y[chosen], optimizer.step)
    accuracy = float((rule.predict(x[1400:]).argmax(1) == y[1400:]).float().mean())
    assert accuracy > 0.8, accuracy  # chance is 0.1
    assert bool((rule.network.layers[0].weight != start).any()) == (name != "random_features")


@pytest.mark.parametrize("name", ["softhebb", "winner_take_all"])
def test_no_images_have_no_activity(name: str) -> None:
    rule = prepared(name, "cnn")
    assert [len(h) for h in rule.activity(torch.zeros(0, 64)).values()] == [0, 0]
