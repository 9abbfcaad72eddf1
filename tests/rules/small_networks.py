"""Small networks, what every family of rules refuses on them, and reading digits with them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.networks.recurrent import Recurrent
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.rule import Rule
from spikelearn.training.config import TrainConfig
from spikelearn.training.optimization import Optimizer

SMALL: dict[str, Any] = {
    "mlp": MLP(name="m", sizes=(64, 64, 32, 10)),
    "cnn": CNN(name="c", input_shape=(1, 8, 8), channels=(8, 16), pool=(2, 2), n_classes=10),
}
# Chance is 0.1. With hidden layers left random the perceptron reaches 0.71.
LEARNT = {"mlp": 0.87, "cnn": 0.72}


def family(base: type[Rule]) -> list[str]:
    """Names of the rules whose class is that one or is derived from it."""
    made = {name: make_rule(name) for name, entry in RULES.items() if not entry.simulated}
    return [name for name, rule in made.items() if isinstance(rule, base)]


def prepared(name: str, kind: str = "mlp", seed: int = 0, **options: Any) -> Rule:
    """A rule on a fresh small network."""
    rule = make_rule(name, **options)
    rule.prepare(SMALL[kind].build(seed), torch_generator(seed, "rule"))
    return rule


def assert_option_refused(name: str, options: dict[str, Any], sentence: str) -> None:
    """One sentence says which option cannot be, and why."""
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        make_rule(name, **options)
    assert "\n" not in str(raised.value)


def assert_recurrent_refused(name: str) -> None:
    """A rule of rate networks refuses a recurrent one in one sentence."""
    network = Recurrent(kind="elman", name="e", n_steps=4, row=3, hidden=6, n_classes=5).build(0)
    with pytest.raises(SpikelearnError, match=r"trains (rate networks|networks of kind)") as raised:
        make_rule(name).prepare(network, torch.Generator())
    assert "\n" not in str(raised.value)


def assert_shapes_of_layers(rule: Rule) -> None:
    """Scores are one a class, and activities have the shapes of the layers."""
    x = torch.rand(3, 64)
    assert rule.predict(x).shape == (3, 10)
    shapes = [tuple(h.shape[1:]) for h in rule.activity(x).values()]
    assert shapes == [layer.out_shape for layer in rule.network]


def accuracy_on_digits(rule: Rule, name: str, **settings: Any) -> float:
    """Accuracy on digits of 8 x 8 pixels that were not learned, after six epochs with the others.

    `settings` are those of the training run: learning rate, groups, weight decay.
    """
    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(0))
    x = torch.tensor(digits.data / 16.0, dtype=torch.float32)[order]
    y = torch.tensor(digits.target)[order]
    config = TrainConfig(model="mlp_784", rule=name, learning_rate=3e-3, **settings)
    optimizer = Optimizer(config, rule)
    torch.set_num_threads(1)
    for epoch in range(6):
        generator = torch.Generator().manual_seed(epoch)
        for chosen in torch.randperm(1400, generator=generator).split(32):
            rule.update(x[chosen], y[chosen], optimizer.step)
    return float((rule.predict(x[1400:]).argmax(1) == y[1400:]).float().mean())
