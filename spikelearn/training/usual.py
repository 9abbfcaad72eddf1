"""What is usual where a training leaves it open: its model, rule, data set and recipe."""

from __future__ import annotations

from typing import Any

from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_names
from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.rules import RULES, rule_entry, rule_name

# Kind of model -> data set -> the shipped model that is made for it; "" for all others.
MODELS: dict[str, dict[str, str]] = {
    "mlp": {"": "mlp_784", "digits": "mlp_64", "two_moons": "mlp_2"},
    "cnn": {"": "cnn_28", "cifar10": "cnn_32", "svhn": "cnn_32"},
    "residual_mlp": {"": "residual_mlp_784"},
    "elman": {"": "elman_28", "text": "elman_text"},
    "gru": {"": "gru_28", "text": "gru_text"},
    "spiking_mlp": {"": "snn_784", "shd": "snn_shd", "nmnist": "snn_nmnist"},
    "spiking_cnn": {"": "snn_cnn_28", "cifar10": "snn_cnn_32", "svhn": "snn_cnn_32"},
    "latency_mlp": {"": "latency_784"},
    "latency_cnn": {"": "latency_cnn_28"},
    "spiking": {"": "competitive_stdp"},
}
DATASET = "mnist"
_SHAPES = {(1, 8, 8): "digits", (3, 32, 32): "cifar10"}

# Where recipes of a kind of network lie, if not under its own name.
_RECIPE_FOLDERS = {"latency_mlp": "spiking_mlp", "latency_cnn": "spiking_cnn"}
# Rules that train nothing: what others are compared with.
_CONTROLS = ("untrained", "untrained_spiking", "untrained_latency", "random_features")


def usual_model(rule: str, dataset: str) -> str:
    """The first shipped model of a rule's kinds that is made for the data set; else the usual one.

    Raises
    ------
    SpikelearnError
        Where a user's rule trains kinds of networks that there are not.
    """
    if rule.startswith("reward_stdp"):
        return "latency_784_first_spike"  # that rule's answer is the first spike
    if rule == "convolutional_stdp":
        return "snn_cnn_28_stdp"  # whose neurons fire once
    kinds = rule_entry(rule).networks
    if not kinds or not set(kinds) <= set(MODELS):
        raise SpikelearnError(
            f"the rule '{rule_name(rule)}' says that it trains networks of kind"
            f" {', '.join(map(str, kinds)) or 'none'}; kinds are {', '.join(MODELS)}"
        )
    for kind in kinds:
        if dataset in MODELS[kind]:
            return MODELS[kind][dataset]
    return MODELS[kinds[0]][""]


def usual_recipe(rule: str, model: str | None, dataset: str) -> str | None:
    """The shipped recipe of a rule for a model, or for the kinds that it trains; None without one.

    Parameters
    ----------
    rule, dataset : str
    model : str, optional
    """
    shipped = shipped_names("models/recipes")
    kinds = rule_entry(rule).networks if model is None else (model,)
    for kind in kinds:
        name = f"{dataset}_{_RECIPE_FOLDERS.get(kind, kind)}/{rule}"
        if name in shipped:
            return name
    return None


def usual_rule(model: Any) -> str:
    """The rule that trains a model where none is named: gradient descent, or its own plasticity.

    Parameters
    ----------
    model : description of a network

    Raises
    ------
    SpikelearnError
        Where it is a spiking network in which nothing is plastic.
    """
    if isinstance(model, SpikingNetwork):
        if is_plastic(model):
            return "stdp"
        raise SpikelearnError(
            f"{model.name} is a spiking network without plasticity, which nothing trains; simulate"
            " it, or give one of its projections a plasticity"
        )
    return next(
        name for name, entry in RULES.items()
        if model.kind in entry.networks and name not in _CONTROLS
    )  # fmt: skip


def usual_dataset(model: Any) -> str:
    """The data set that a model takes, as a shipped one of its kind does; mnist, if none is known.

    Parameters
    ----------
    model : description of a network
    """
    if isinstance(model, SpikingNetwork):
        return DATASET
    for dataset, name in MODELS[model.kind].items():
        if dataset and load_model(name).n_inputs == model.n_inputs:  # type: ignore[union-attr]
            return dataset
    return _SHAPES.get(model.image_shape, DATASET)


def is_plastic(model: Any) -> bool:
    """Whether a model says itself how it learns."""
    return isinstance(model, SpikingNetwork) and any(
        projection.plasticity is not None for projection in model.projections
    )
