"""Settings of a training run: optimiser, groups, schedule, stopping, recipes; what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from spikelearn import SpikelearnError
from spikelearn._files import shipped_names, write_yaml
from spikelearn._seeding import torch_generator
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.rule import Rule
from spikelearn.stimuli.images import ImageDataset
from spikelearn.training.config import STDPConfig, TrainConfig, load_recipe
from spikelearn.training.images import split
from spikelearn.training.loop import train
from spikelearn.training.measures import layer_table
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


def test_patience_stops_a_run_that_gets_no_better(model: str) -> None:
    # At so small a rate no validation image changes sides.
    found = config(model, epochs=20, learning_rate=1e-9, patience=3)
    run = train(found)
    assert len(run.epochs) == 1 + 1 + 3  # the start, the best, and three that were no better
    assert run.summary["best_epoch"] == 1


def test_a_larger_input_range_is_a_linear_map_of_the_pixels(model: str) -> None:
    data = ImageDataset(
        "own", np.arange(40 * 784, dtype=np.uint8).reshape(40, 28, 28),
        np.arange(40, dtype=np.uint8) % 10, np.zeros((10, 28, 28), np.uint8),
        np.arange(10, dtype=np.uint8), tuple("0123456789"), "made",
    )  # fmt: skip
    plain = split(data, config(model, n_train=40))
    wide = split(data, config(model, n_train=40, input_range=(-1.0, 3.0)))
    for a, b in zip(plain, wide, strict=True):
        torch.testing.assert_close(b.x, 4 * a.x - 1)


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


def test_weights_that_a_rule_leaves_alone_have_no_cosine(model: str) -> None:
    class OutputOnly(type(make_rule("backprop"))):  # type: ignore[misc]
        def update(self, x, y, apply):
            def only() -> None:
                for layer in list(self.network)[:-1]:
                    layer.weight.grad = None
                apply()

            return super().update(x, y, only)

    rule = OutputOnly()
    found = config(model)
    rule.prepare(found.description().build(0), torch_generator(0, "rule"))
    data = split(
        ImageDataset(
            "own", np.random.default_rng(0).integers(0, 255, (60, 28, 28)).astype(np.uint8),
            np.arange(60, dtype=np.uint8) % 10, np.zeros((10, 28, 28), np.uint8),
            np.arange(10, dtype=np.uint8), tuple("0123456789"), "made",
        ),
        config(model, n_train=60, validation_fraction=0.5),
    )[1]  # fmt: skip
    table = layer_table(rule, found.description().build(0), data)
    assert table["gradient_cosine"].isna().tolist() == [True, True, False]
    assert table["gradient_cosine"].iloc[-1] == pytest.approx(1.0)


def test_every_shipped_recipe_is_of_a_rule_and_a_model_that_fit() -> None:
    names = shipped_names("models/recipes")
    assert names
    for name in names:
        found = load_recipe(name)
        assert found.description().kind in RULES[found.rule].networks
        if isinstance(found, STDPConfig):  # the simulation carries the rule out
            continue
        make_rule(found.rule, **found.options)
        Optimizer(found, prepared(found))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"options": {"magic": 1}}, "no option 'magic'"),
        ({"options": {"loss": "hinge"}}, "option 'loss' must be one of"),
        ({"groups": {"feedback": {"learning_rate": 1.0}}}, "groups are network"),
        ({"layer_rates": (1.0, 1.0)}, "has 3 layers"),
        ({"rule": "local_sim", "batch_size": 1}, "batch_size of at least 2"),
        ({"rule": "backprop_through_time"}, "trains models of kind elman or gru"),
        ({"dataset": "imagenet"}, "imagenet"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_sentence(
    model: str, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        train(config(model, **{"rule": "backprop", **changes}))
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(model: str) -> None:
    with pytest.raises(SpikelearnError, match="torch finds no GPU"):
        train(config(model, device="cuda"))


@pytest.mark.parametrize("label", [-1, 5])
def test_labels_out_of_range_get_one_sentence(label: int) -> None:
    from spikelearn.networks.mlp import MLP

    rule = make_rule("backprop")
    rule.prepare(MLP(name="m", sizes=(4, 3, 5)).build(0), torch.Generator())
    with pytest.raises(SpikelearnError, match=f"label {label} is out of range") as raised:
        rule.update(torch.rand(3, 4), torch.tensor([0, label, 1]), lambda: None)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"rule": "backprop"}, ["field 'model'", "required"]),
        ({"model": "mlp_784", "rule": "backprop", "epoch": 3}, ["epoch", "not permitted"]),
        ({"model": "mlp_784", "rule": "backprop", "momentum": 0.9}, ["momentum", "sgd"]),
        ({"model": "mlp_784", "rule": "backprop", "input_range": [1, 1]}, ["input_range"]),
    ],
)
def test_a_broken_recipe_gets_one_sentence(
    tmp_path, content: dict[str, Any], words: list[str]
) -> None:
    path = tmp_path / "recipe.yaml"
    write_yaml(path, content)
    with pytest.raises(SpikelearnError) as raised:
        load_recipe(path)
    assert "\n" not in str(raised.value)
    for word in ["recipe.yaml", *words]:
        assert word in str(raised.value)
