"""Settings of a training run: what they are, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from spikelearn import SpikelearnError
from spikelearn._files import shipped_names, write_yaml
from spikelearn._seeding import torch_generator
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.rule import Rule
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.loop import train
from spikelearn.training.optimization import Optimizer
from spikelearn.training.recipes import load_recipe


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


def test_every_shipped_recipe_is_of_a_rule_and_a_model_that_fit() -> None:
    names = shipped_names("models/recipes")
    assert names
    for name in names:
        found = load_recipe(name)
        assert found.description().kind in RULES[found.rule].networks
        if isinstance(found, STDPConfig):  # the simulation carries the rule out
            continue
        make_rule(found.rule, **found.options)
        sizes = getattr(found.description(), "sizes", ())
        if max(sizes[1:-1], default=0) > 50:  # the rule and its groups are of as many layers
            few = [sizes[0], *(min(size, 50) for size in sizes[1:-1]), sizes[-1]]
            found = found.changed({"changes": {**(found.changes or {}), "sizes": few}})
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
        train(config(model).changed(changes))
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(model: str) -> None:
    with pytest.raises(SpikelearnError, match="torch finds no GPU"):
        train(config(model, device="cuda"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"rule": "backprop"}, ["field 'model'", "required"]),
        ({"model": "mlp_784", "rule": "backprop", "epoch": 3}, ["epoch", "no such field"]),
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


def test_a_rule_and_values_of_its_options_are_checked_as_they_are_given() -> None:
    with pytest.raises(ValueError, match="there is no rule 'bakprop'; did you mean backprop"):
        TrainConfig(model="mlp_64", rule="bakprop")
    with pytest.raises(SpikelearnError, match="sigma"):
        TrainConfig(model="mlp_64", rule="node_perturbation", options={"sigma": -1})
