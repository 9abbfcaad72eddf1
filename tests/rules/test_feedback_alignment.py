"""Feedback alignment in all its forms: options, refusals, what is saved, and that it learns."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.experiments.config import TrainConfig
from spikelearn.experiments.optimization import Optimizer
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.networks.recurrent import Recurrent
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule

NAMES = [
    "feedback_alignment",
    "direct_feedback_alignment",
    "sign_symmetric_uniform",
    "sign_symmetric_fixed",
    "sign_symmetric_random",
    "kolen_pollack",
    "weight_mirror",
]
SMALL: dict[str, Any] = {
    "mlp": MLP(name="m", sizes=(64, 64, 32, 10)),
    "cnn": CNN(name="c", input_shape=(1, 8, 8), channels=(8, 16), pool=(2, 2), n_classes=10),
}


def prepared(name: str, kind: str = "mlp", seed: int = 0, **options: Any) -> Rule:
    rule = make_rule(name, **options)
    rule.prepare(SMALL[kind].build(seed), torch_generator(seed, "rule"))
    return rule


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("feedback_alignment", {"loss": "hinge"}, "option 'loss' must be one of"),
        ("feedback_alignment", {"scale": -1.0}, "option 'scale' must be a number at least 0"),
        ("direct_feedback_alignment", {"scale": "big"}, "option 'scale' must be a number"),
        ("kolen_pollack", {"scale": float("nan")}, "option 'scale' must be a number"),
        ("sign_symmetric_random", {"magnitude": "fixed"}, "has no option 'magnitude'"),
        ("weight_mirror", {"sigma": 0.0}, "option 'sigma' must be a number at least 1e-06"),
        ("weight_mirror", {"n_noise": 1}, "option 'n_noise' must be a number at least 2"),
        ("weight_mirror", {"every": 0}, "option 'every' must be a number at least 1"),
        ("weight_mirror", {"decay": -0.1}, "option 'decay' must be a number at least 0"),
    ],
)
def test_an_option_that_cannot_be_is_refused_in_one_sentence(
    name: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        make_rule(name, **options)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_recurrent_network_is_refused_in_one_sentence(name: str) -> None:
    network = Recurrent(kind="elman", name="e", n_steps=4, row=3, hidden=6, n_classes=5).build(0)
    with pytest.raises(SpikelearnError, match=r"trains (rate networks|networks of kind)") as raised:
        make_rule(name).prepare(network, torch.Generator())
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("name", NAMES)
def test_scores_and_activity_have_the_shapes_of_the_layers(name: str, kind: str) -> None:
    rule, x = prepared(name, kind), torch.rand(3, 64)
    assert rule.predict(x).shape == (3, 10)
    shapes = [tuple(h.shape[1:]) for h in rule.activity(x).values()]
    assert shapes == [layer.out_shape for layer in rule.network]


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("name", NAMES)
def test_feedback_has_the_shape_of_what_it_stands_for(name: str, kind: str) -> None:
    rule = prepared(name, kind)
    shapes = [tuple(matrix.shape) for matrix in rule._feedback()]  # type: ignore[attr-defined]
    if name == "direct_feedback_alignment":
        sizes = {"mlp": [64, 32], "cnn": [8 * 16, 16 * 4]}[kind]
        assert shapes == [(10, n) for n in sizes]
    else:
        assert shapes == [tuple(weight.shape) for weight in rule.network.weights()[1:]]


@pytest.mark.parametrize("name", NAMES)
def test_what_learns_is_in_a_group_and_what_does_not_is_not(name: str) -> None:
    groups = prepared(name).groups()
    learns = name in ("kolen_pollack", "weight_mirror")
    assert list(groups) == (["network", "feedback"] if learns else ["network"])


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("name", NAMES)
def test_it_learns_to_read_digits(name: str, kind: str) -> None:
    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(0))
    x = torch.tensor(digits.data / 16.0, dtype=torch.float32)[order]
    y = torch.tensor(digits.target)[order]
    rule = prepared(name, kind)
    config = TrainConfig(
        model="mlp_784",
        rule=name,
        learning_rate=3e-3,
        weight_decay=0.2 if name == "kolen_pollack" else 0.0,
        groups=(
            {"feedback": {"optimizer": "sgd", "learning_rate": 0.05}}
            if name == "weight_mirror"
            else {}
        ),
    )
    optimizer = Optimizer(config, rule)
    torch.set_num_threads(1)
    for epoch in range(6):
        generator = torch.Generator().manual_seed(epoch)
        for chosen in torch.randperm(1400, generator=generator).split(32):
            rule.update(x[chosen], y[chosen], optimizer.step)
    accuracy = float((rule.predict(x[1400:]).argmax(1) == y[1400:]).float().mean())
    # Chance is 0.1. With hidden layers left random the perceptron reaches 0.71.
    assert accuracy > {"mlp": 0.87, "cnn": 0.72}[kind]
