"""Perturbation learning: options, refusals, what predicts, and that it learns."""

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
from spikelearn.rules.perturbation import PerturbationRule
from spikelearn.rules.rule import Rule
from spikelearn.training.config import TrainConfig
from spikelearn.training.optimization import Optimizer
from tests.rules.small_networks import family

NAMES = family(PerturbationRule)
SMALL: dict[str, Any] = {
    "mlp": MLP(name="m", sizes=(64, 32, 10)),
    "cnn": CNN(name="c", input_shape=(1, 8, 8), channels=(8,), pool=(2,), n_classes=10),
}


def prepared(name: str, kind: str = "mlp", seed: int = 0, **options: Any) -> Rule:
    rule = make_rule(name, **options)
    rule.prepare(SMALL[kind].build(seed), torch_generator(seed, "rule"))
    return rule


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("node_perturbation", {"sigma": 0.0}, "option 'sigma' must be a number at least 1e-08"),
        ("node_perturbation", {"n_directions": 0}, "option 'n_directions' must be a number at lea"),
        ("node_perturbation", {"antithetic": "x"}, "option 'antithetic' must be one of True, Fal"),
        ("weight_perturbation", {"noise": "pink"}, "option 'noise' must be one of signs, normal"),
        ("forward_gradient", {"perturb": "x"}, "option 'perturb' must be one of activities, weig"),
        ("forward_gradient", {"loss": "hinge"}, "option 'loss' must be one of"),
        ("decorrelated_node_perturbation", {"decorrelation_rate": -1}, "at least 0"),
        ("activity_normalised_node_perturbation", {"antithetic": True}, "no option 'antithetic'"),
    ],
)
def test_an_option_that_cannot_be_is_refused_in_one_sentence(
    name: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        make_rule(name, **options)
    assert "\n" not in str(raised.value)


def test_decorrelation_has_no_convolutional_form() -> None:
    with pytest.raises(SpikelearnError, match=r"trains networks of kind mlp") as raised:
        prepared("decorrelated_node_perturbation", "cnn")
    assert "\n" not in str(raised.value)


def test_signs_are_even_odds_without_correlation() -> None:
    rule = prepared("weight_perturbation")
    drawn = rule.draw((400, 1000), (None, None), "sign")
    assert set(drawn.unique().tolist()) == {-1.0, 1.0}
    assert abs(float(drawn.mean())) < 5 / 400_000**0.5
    # Of every place in a byte and in an integer, and of neighbours.
    for period in (8, 56):
        places = drawn.flatten()[: 400_000 // period * period].reshape(-1, period)
        assert float(places.mean(0).abs().max()) < 5 / len(places) ** 0.5
        products = places.T @ places / len(places) - torch.eye(period)
        assert float(products.abs().max()) < 5.5 / len(places) ** 0.5


def test_decorrelation_belongs_to_prediction() -> None:
    rule = prepared("decorrelated_node_perturbation")
    x = torch.rand(5, 64)
    before = rule.predict(x)
    with torch.no_grad():
        next(iter(rule.extra["decorrelation"].parameters())).mul_(0.5)
    assert not torch.allclose(rule.predict(x), before)
    assert list(rule.activity(x)) == ["hidden1", "output"]


@pytest.mark.parametrize(
    ("name", "kind", "least"),
    [
        ("weight_perturbation", "mlp", 0.6),
        ("node_perturbation", "mlp", 0.85),
        ("node_perturbation", "cnn", 0.6),
        ("activity_normalised_node_perturbation", "mlp", 0.85),
        ("decorrelated_node_perturbation", "mlp", 0.85),
        ("forward_gradient", "mlp", 0.85),
    ],
)
def test_it_learns_to_read_digits(name: str, kind: str, least: float) -> None:
    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(0))
    x = torch.tensor(digits.data / 16.0, dtype=torch.float32)[order]
    y = torch.tensor(digits.target)[order]
    rule = prepared(name, kind)
    decorrelating = {"optimizer": "sgd", "learning_rate": 0.01}
    groups = {"decorrelation": decorrelating} if "decorrelation" in rule.groups() else {}
    config = TrainConfig(model="mlp_784", rule=name, learning_rate=5e-3, groups=groups)
    optimizer = Optimizer(config, rule)
    for epoch in range(15):
        generator = torch.Generator().manual_seed(epoch)
        for chosen in torch.randperm(1400, generator=generator).split(16):
            rule.update(x[chosen], y[chosen], optimizer.step)
    accuracy = float((rule.predict(x[1400:]).argmax(1) == y[1400:]).float().mean())
    assert accuracy > least, accuracy
