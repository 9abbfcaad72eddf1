"""What is measured of a trained network beside its accuracy: layer by layer, and by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import cosine_similarity

from spikelearn.networks.latency_mlp import LatencyNetwork
from spikelearn.networks.rate_network import RateNetwork
from spikelearn.networks.spiking_mlp import SpikingClassifier
from spikelearn.rules.rule import Rule, output_loss
from spikelearn.training.images import Split

if TYPE_CHECKING:
    import pandas as pd

EVALUATION_BATCH = 500
PROBE_IMAGES = 256  # validation images on which updates are laid beside backpropagation's


def predict(rule: Rule, x: torch.Tensor) -> torch.Tensor:
    """Class scores in evaluation mode, batch by batch."""
    rule.network.eval()
    rule.extra.eval()
    return torch.cat([rule.predict(part) for part in x.split(EVALUATION_BATCH)])


def activity(rule: Rule, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Activity of every layer in evaluation mode, batch by batch."""
    rule.network.eval()
    rule.extra.eval()
    parts = [rule.activity(part) for part in x.split(EVALUATION_BATCH)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def accuracy_of(predicted: torch.Tensor, y: torch.Tensor) -> float:
    """Fraction of equal entries."""
    return float((predicted == y).double().mean())


def layer_weights(network: torch.nn.Module) -> list[torch.Tensor]:
    """Weight matrices from the input to the output."""
    if isinstance(network, RateNetwork):
        return [weight.detach() for weight in network.weights()]
    assert isinstance(network, SpikingClassifier | LatencyNetwork)  # noqa: S101 - for the type checker
    return [weight.detach() for weight in network.weights]


def layer_table(rule: Rule, initial: torch.nn.Module, validation: Split) -> pd.DataFrame:
    """What training has done to each layer.

    Parameters
    ----------
    rule : Rule
        Trained.
    initial : Module
        The network as it was before training, on the processor.
    validation : Split
        Shown to tell which units are dead, and to lay the update beside backpropagation's.

    Returns
    -------
    DataFrame
        One row per layer; the columns are those of `TrainedRun.layers`.
    """
    import pandas as pd

    active = activity(rule, validation.x)
    cosines = gradient_cosines(rule, validation)
    rows = []
    for index, (name, before, after) in enumerate(
        zip(active, layer_weights(initial), layer_weights(rule.network), strict=True)
    ):
        spread = active[name].amax(0) - active[name].amin(0)
        rows.append(
            {
                "layer": name,
                "weight_displacement": float((after.cpu() - before).norm() / before.norm()),
                "dead_units": float((spread == 0).double().mean()),
                "gradient_cosine": cosines[index] if cosines else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def added_updates(
    rule: Rule, data: Split, weights: list[torch.nn.Parameter], n_updates: int = 1
) -> list[torch.Tensor]:
    """What a rule leaves for weights, which stay where they are, added up over its steps.

    Parameters
    ----------
    rule : Rule
    data : Split
        One batch.
    weights : list of Parameter
    n_updates : int
        How often the update is made, each time with other noise, if the rule has any.
    """
    totals = [torch.zeros_like(weight) for weight in weights]

    def add_up() -> None:
        for total, weight in zip(totals, weights, strict=True):
            if weight.grad is not None:
                total.add_(weight.grad)
        for parameter in rule.parameters():
            parameter.grad = None

    for _ in range(n_updates):
        rule.update(data.x, data.y, add_up)
    return totals


def gradient_cosines(rule: Rule, data: Split) -> list[float]:
    """Cosine of the rule's update with the gradient of backpropagation, by layer.

    The gradient is that of the rule's own loss at the output of a forward pass. Where the rule
    moves its weights several times in an update, its steps are added up, from weights that stay.
    NaN where it leaves a layer alone; empty for rules that update nothing and for networks that
    spike.
    """
    if not rule.trains or not isinstance(rule.network, RateNetwork):
        return []
    x, y = data.x[:PROBE_IMAGES], data.y[:PROBE_IMAGES]
    weights = rule.network.weights()
    updates = added_updates(rule, Split(x, y), weights)
    loss = output_loss(rule.loss, rule.network(x), y)[0]
    truth = torch.autograd.grad(loss, weights)
    return [_cosine(a, b) for a, b in zip(updates, truth, strict=True)]


def _cosine(update: torch.Tensor, gradient: torch.Tensor) -> float:
    if not update.any():
        return float("nan")
    return float(cosine_similarity(update.flatten().double(), gradient.flatten().double(), dim=0))


def collapse_flag(predicted: np.ndarray, n_classes: int) -> str:
    """Says which classes are never predicted; empty where all are."""
    missing = sorted(set(range(n_classes)) - set(predicted.tolist()))
    if not missing:
        return ""
    return f"collapsed: never predicts {', '.join(map(str, missing))}"
