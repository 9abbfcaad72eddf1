"""Predictive coding from outside: options, networks it trains, and that it learns."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.mlp import MLP
from spikelearn.networks.residual_mlp import ResidualMLP
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.rule import Rule

NAMES = [name for name in RULES if name.startswith("predictive_coding") and "through" not in name]
CHAINS = [name for name in NAMES if name != "predictive_coding_mupc"]
MLP_64 = MLP(name="m", sizes=(64, 48, 32, 10))
CNN_64 = CNN(
    name="c", input_shape=(1, 8, 8), channels=(8, 8), pool=(1, 2), hidden=(32,), activation="relu"
)
RESIDUAL_64 = ResidualMLP(name="r", n_inputs=64, width=48, depth=8)


def prepared(name: str, model: Any, **options: Any) -> Rule:
    rule = make_rule(name, **options)
    rule.prepare(model.build(0), torch_generator(0, "rule"))
    return rule


def model_for(name: str) -> Any:
    return MLP_64 if name in CHAINS else RESIDUAL_64


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels in [0, 1] and classes of scikit-learn's digits, shuffled."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(0))
    x = torch.as_tensor(data.data / 16.0, dtype=torch.float32)
    return x[order], torch.as_tensor(data.target)[order]


def accuracy_after(rule: Rule, epochs: int, rate: float) -> float:
    """On 497 digits, after training on the other 1,300."""
    x, y = digits()
    optimizer = torch.optim.Adam(rule.parameters(), lr=rate)

    def step() -> None:
        optimizer.step()
        optimizer.zero_grad()

    generator = torch.Generator().manual_seed(1)
    for _ in range(epochs):
        for chosen in torch.randperm(1300, generator=generator).split(50):
            rule.update(x[chosen], y[chosen], step)
    return float((rule.predict(x[1300:]).argmax(1) == y[1300:]).float().mean())


def test_the_seven_variants_are_registered() -> None:
    variants = ("incremental", "fixed_prediction", "zil", "nudged", "centred", "mupc")
    assert ["predictive_coding", *(f"predictive_coding_{v}" for v in variants)] == NAMES


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("", {"loss": "hinge"}, "option 'loss' must be one of"),
        ("", {"n_steps": -1}, "option 'n_steps' must be a number at least 0, found -1"),
        ("", {"n_steps": 2.5}, "option 'n_steps' must be a whole number, found 2.5"),
        ("", {"n_steps": float("inf")}, "option 'n_steps' must be a whole number, found inf"),
        ("", {"n_steps": "many"}, "option 'n_steps' must be a number"),
        ("", {"rate": -0.1}, "option 'rate' must be a number at least 0"),
        ("", {"rate": float("nan")}, "option 'rate' must be a number at least 0"),
        ("", {"beta": 0.1}, "has no option 'beta'; its options are loss, n_steps, rate"),
        ("_incremental", {"n_steps": 0}, "option 'n_steps' must be a number at least 1"),
        ("_zil", {"rate": 0.5}, "has no option 'rate'"),
        ("_fixed_prediction", {"n_steps": -3}, "option 'n_steps' must be a number at least 0"),
        ("_nudged", {"beta": 0.0}, "option 'beta' must be a number at least"),
        ("_nudged", {"nudging": "centred"}, "has no option 'nudging'"),
        ("_centred", {"beta": -1.0}, "option 'beta' must be a number at least"),
    ],
)
def test_an_option_that_cannot_be_is_refused_in_one_sentence(
    name: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpikelearnError) as error:
        make_rule("predictive_coding" + name, **options)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_it_does_not_train_is_refused(name: str) -> None:
    wrong = RESIDUAL_64 if name in CHAINS else MLP_64
    kinds = "mlp, cnn" if name in CHAINS else "residual_mlp"
    with pytest.raises(
        SpikelearnError, match=f"trains networks of kind {kinds}, not {wrong.kind}$"
    ):
        prepared(name, wrong)


@pytest.mark.parametrize("name", NAMES)
def test_a_label_that_is_no_class_is_refused(name: str) -> None:
    rule = prepared(name, model_for(name))
    with pytest.raises(SpikelearnError, match="label 10 is out of range"):
        rule.update(torch.rand(2, 64), torch.tensor([3, 10]), lambda: None)


@pytest.mark.parametrize("name", NAMES)
def test_predicting_is_a_forward_pass(name: str) -> None:
    rule = prepared(name, model_for(name))
    x = torch.rand(5, 64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(rule.predict(x), rule.network(x))
    activity = rule.activity(x)
    assert list(activity)[-1] == "output"
    assert len(activity) == len(rule.network)
    assert torch.equal(activity["output"], rule.predict(x))
    shapes = [tuple(h.shape) for h in activity.values()]
    assert shapes == [(5, *layer.out_shape) for layer in rule.network]


@pytest.mark.parametrize("name", NAMES)
def test_an_update_moves_nothing_itself_and_leaves_no_graph(name: str) -> None:
    rule = prepared(name, model_for(name))
    x = torch.rand(5, 64, generator=torch.Generator().manual_seed(0))
    before = [p.detach().clone() for p in rule.parameters()]
    objective = rule.update(x, torch.arange(5), lambda: None)
    assert objective.shape == ()
    assert not objective.requires_grad
    for parameter, old in zip(rule.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
        assert parameter.grad is not None
        assert parameter.grad.shape == parameter.shape
        assert not parameter.grad.requires_grad


@pytest.mark.parametrize("name", CHAINS)
def test_it_learns_digits(name: str) -> None:
    # Chance is 0.1; backpropagation reaches 0.95 in these few epochs.
    assert accuracy_after(prepared(name, MLP_64), epochs=8, rate=2e-3) > 0.92


@pytest.mark.parametrize(
    "name", ["predictive_coding", "predictive_coding_incremental", "predictive_coding_centred"]
)
def test_it_learns_digits_in_a_convolutional_network(name: str) -> None:
    assert accuracy_after(prepared(name, CNN_64, n_steps=4), epochs=4, rate=2e-3) > 0.88


def test_mupc_learns_digits_in_a_residual_network() -> None:
    rule = prepared("predictive_coding_mupc", RESIDUAL_64, n_steps=8, rate=0.3)
    assert accuracy_after(rule, epochs=6, rate=1e-2) > 0.9
