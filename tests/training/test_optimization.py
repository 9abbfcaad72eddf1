"""The optimiser: groups, layers, schedules."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from spikelearn._files import write_yaml
from spikelearn._seeding import torch_generator
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import train
from spikelearn.training.optimization import Optimizer


@pytest.fixture
def model(tmp_path) -> str:
    """Path of a small perceptron."""
    path = tmp_path / "small.yaml"
    write_yaml(path, {"kind": "mlp", "name": "small", "sizes": [784, 12, 8, 10]})
    return str(path)


def config(model: str, rule: str = "backprop", **changes: Any) -> TrainConfig:
    options = {"source": "embedded", "n_train": 300, "epochs": 2, **changes}
    return TrainConfig(model=model, rule=rule, **options)


def prepared(found: TrainConfig) -> Rule:
    rule = make_rule(found.rule, **found.options)
    rule.prepare(found.description().build(0), torch_generator(0, "rule"))
    return rule


def one_step(found: TrainConfig, gradient: float = 1.0) -> tuple[Rule, dict[str, torch.Tensor]]:
    """Every parameter gets the same gradient; the change of each after a step."""
    rule = prepared(found)
    optimizer = Optimizer(found, rule)
    before = {
        **{f"network.{k}": p.detach().clone() for k, p in rule.network.named_parameters()},
        **{f"extra.{k}": p.detach().clone() for k, p in rule.extra.named_parameters()},
    }
    for parameter in rule.parameters():
        parameter.grad = torch.full_like(parameter, gradient)
    optimizer.step()
    after = {
        **{f"network.{k}": p for k, p in rule.network.named_parameters()},
        **{f"extra.{k}": p for k, p in rule.extra.named_parameters()},
    }
    assert all(p.grad is None for p in rule.parameters())
    return rule, {k: (after[k] - before[k]).detach() for k in before}


def test_sgd_is_a_step_against_the_gradient(model: str) -> None:
    _, change = one_step(config(model, optimizer="sgd", learning_rate=0.1), 2.0)
    for value in change.values():
        torch.testing.assert_close(value, torch.full_like(value, -0.2), rtol=1e-4, atol=1e-6)


def test_layers_may_learn_at_rates_of_their_own(model: str) -> None:
    found = config(model, optimizer="sgd", learning_rate=0.1, layer_rates=(3.0, 1.0, 0.0))
    _, change = one_step(found)
    for index, factor in enumerate((3.0, 1.0, 0.0)):
        for name in ("weight", "bias"):
            value = change[f"network.layers.{index}.{name}"]
            torch.testing.assert_close(
                value, torch.full_like(value, -0.1 * factor), rtol=1e-4, atol=1e-6
            )


def test_groups_may_learn_by_settings_of_their_own(model: str) -> None:
    groups = {"feedback": {"optimizer": "sgd", "learning_rate": 0.5}}
    _, change = one_step(config(model, "kolen_pollack", learning_rate=0.01, groups=groups))
    for name, value in change.items():
        # The first step of Adam is the rate, whatever the gradient.
        expected = -0.5 if name.startswith("extra.") else -0.01
        torch.testing.assert_close(value, torch.full_like(value, expected), rtol=1e-3, atol=1e-6)


def test_decay_of_kolen_pollack_makes_feedback_and_forward_weights_one(model: str) -> None:
    for optimizer, rate in (("sgd", 0.05), ("adam", 0.01)):
        found = config(
            model, "kolen_pollack", optimizer=optimizer, learning_rate=rate, weight_decay=0.5
        )
        rule = prepared(found)
        rule.network.double()
        rule.extra.double()
        optimise = Optimizer(found, rule)
        x = torch.rand(20, 784, dtype=torch.float64)
        y = torch.arange(20) % 10

        def gap(rule: Rule = rule) -> torch.Tensor:
            return next(iter(rule.extra["feedback"].parameters())) - rule.network.weights()[1]

        start = gap().detach().clone()
        for _ in range(50):
            rule.update(x, y, optimise.step)
        expected = start * (1 - rate * 0.5) ** 50
        torch.testing.assert_close(gap().detach(), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("schedule", "half"), [("constant", 1.0), ("linear", 0.5), ("cosine", 0.5)]
)
def test_the_learning_rate_falls_as_the_schedule_says(
    model: str, schedule: str, half: float
) -> None:
    found = config(model, optimizer="sgd", learning_rate=0.2, schedule=schedule)
    optimizer = Optimizer(found, prepared(found))

    def rate() -> float:
        return optimizer.parts["sgd"].param_groups[0]["lr"]

    optimizer.set_progress(0.0)
    assert rate() == pytest.approx(0.2)
    optimizer.set_progress(0.5)
    assert rate() == pytest.approx(0.2 * half)
    optimizer.set_progress(0.75)
    expected = {"constant": 1.0, "linear": 0.25, "cosine": 0.5 * (1 + math.cos(0.75 * math.pi))}
    assert rate() == pytest.approx(0.2 * expected[schedule])


def test_a_group_has_a_schedule_of_its_own_epochs(model: str) -> None:
    groups = {"network": {"epochs": [2, 3]}}
    found = config(model, learning_rate=0.2, schedule="linear", epochs=4, groups=groups)
    optimizer = Optimizer(found, prepared(found))
    rates = []
    for done in (0.0, 0.25, 0.5, 0.75, 1.0):
        optimizer.set_progress(done)
        rates.append(optimizer.parts["adam"].param_groups[0]["lr"])
    assert rates == pytest.approx([0.2, 0.2, 0.1, 0.0, 0.0])
    groups = {"network": {"epochs": [2, 5]}}
    with pytest.raises(ValueError, match=r"groups.network.epochs is \[2, 5\].*4 epochs"):
        config(model, epochs=4, groups=groups)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_an_interrupted_run_with_any_optimiser_goes_on_to_the_same_weights(
    model: str, optimizer: str, tmp_path
) -> None:
    settings: dict[str, Any] = {"optimizer": optimizer, "schedule": "cosine", "epochs": 3}
    if optimizer == "sgd":
        settings |= {"momentum": 0.9, "learning_rate": 0.05}
    settings["groups"] = {"feedback": {"optimizer": "adam", "learning_rate": 0.01}}
    found = config(model, "weight_mirror", **settings)
    whole = train(found, tmp_path / "a")

    def interrupt(fraction: float, words: str) -> None:
        if words.startswith("epoch 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(found, tmp_path / "b", interrupt)
    resumed = train(found, tmp_path / "b")
    for key, value in whole.rule.network.state_dict().items():
        assert torch.equal(value, resumed.rule.network.state_dict()[key])
    for key, value in whole.rule.extra.state_dict().items():
        assert torch.equal(value, resumed.rule.extra.state_dict()[key])


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_a_gradient_that_was_made_as_a_transposed_product_moves_its_own_weights(
    model: str, kind: str
) -> None:
    changes = []
    for transposed in (False, True):
        found = config(model, optimizer=kind)
        rule = prepared(found)
        optimizer = Optimizer(found, rule)
        before = [p.detach().clone() for p in rule.parameters()]
        for parameter in rule.parameters():
            gradient = torch.arange(1.0, parameter.numel() + 1).view(parameter.shape).square()
            parameter.grad = (
                gradient.T.contiguous().T if transposed and gradient.ndim > 1 else gradient
            )
        optimizer.step()
        after = list(rule.parameters())
        changes.append([p.detach() - b for p, b in zip(after, before, strict=True)])
    for one, other in zip(*changes, strict=True):
        assert torch.equal(one, other)
