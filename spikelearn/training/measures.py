"""What is measured of a network in training beside its accuracy.

Layer by layer; by class; without a trained readout (is the activity of a class near the mean of its
class?); and of one that spikes, what goes wrong, each in one sentence with its cure: a layer falls
silent, so that nothing passes and no gradient comes back, most of its neurons are dead, or they
fire at almost every chance, so that their spikes say nothing. A loss may hide these for epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import cosine_similarity

from spikelearn._counts import counted
from spikelearn.networks.latency_mlp import LatencyNetwork
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.spiking_mlp import SpikingClassifier
from spikelearn.rules.rule import Rule, in_training, output_loss
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


def largest_share(labels: torch.Tensor | np.ndarray) -> float:
    """Share of the largest class: what one answer to everything reaches, called chance."""
    counts = np.unique(np.asarray(labels), return_counts=True)[1]
    return float(counts.max() / counts.sum())


def layer_weights(network: torch.nn.Module) -> list[torch.Tensor]:
    """Weight matrices from the input to the output."""
    if isinstance(network, RateNetwork):
        return [weight.detach() for weight in network.weights()]
    assert isinstance(network, SpikingClassifier | LatencyNetwork)  # noqa: S101 - for the type checker
    return [weight.detach() for weight in network.weights]


def layer_table(rule: Rule, initial: Sequence[torch.Tensor], validation: Split) -> pd.DataFrame:
    """What training has done to each layer.

    Parameters
    ----------
    rule : Rule
        Trained.
    initial : sequence of tensor
        Weights of each layer as they were before training, on the processor.
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
        zip(active, initial, layer_weights(rule.network), strict=True)
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
    with in_training(rule, len(y), moves_means=False):
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


TRAINING_IMAGES = 5000  # enough for the means of a few classes


def nearest_centroid_accuracy(rule: Rule, training: Split, test: Split) -> float | None:
    """Fraction of the test images whose last hidden activity is nearest to that of their class.

    Nearest by the angle to the mean activity of each class in the first training images, after the
    mean over classes has been taken away.

    Parameters
    ----------
    rule : Rule
        Trained.
    training : Split
        Gives the mean of each class; its first 5,000 examples.
    test : Split
        Is told apart.

    Returns
    -------
    float or None
        None for networks without a hidden layer.
    """
    n_classes = int(training.y.max()) + 1
    layers = list(activity(rule, test.x[:1]))
    if len(layers) < 2:
        return None
    name = layers[-2]
    x, y = training.x[:TRAINING_IMAGES], training.y[:TRAINING_IMAGES]
    known = activity(rule, x)[name].flatten(1).double()
    new = activity(rule, test.x)[name].flatten(1).double()
    members = torch.nn.functional.one_hot(y, n_classes).double()
    centroids = members.T @ known / members.sum(0).clamp_min(1).unsqueeze(1)
    middle = centroids.mean(0)
    centroids = torch.nn.functional.normalize(centroids - middle, dim=1)
    nearest = (torch.nn.functional.normalize(new - middle, dim=1) @ centroids.T).argmax(1)
    return accuracy_of(nearest, test.y)


DEAD_FRACTION = 0.5  # of a layer's neurons, silent for every image, above which it is said
SATURATED = 0.7  # of the spikes that a neuron could fire, if it fires at all, likewise
_COUNTED = 5  # possible spikes below which a neuron that fires them all is no problem


def spiking_problems(rule: Rule, x: torch.Tensor) -> dict[str, str]:
    """What is wrong with the spiking of the network, by a name for each problem.

    Parameters
    ----------
    rule : Rule
        Prepared.
    x : tensor of shape (n, inputs)
        Images; the first 256 are shown.

    Returns
    -------
    dict of str to str
        One sentence each; empty for networks of rates, and where all is well.
    """
    network = rule.network
    if isinstance(network, RateNetwork) or not isinstance(
        network, SpikingClassifier | LatencyNetwork
    ):
        return {}
    counts = activity(rule, x[:PROBE_IMAGES])
    if network.description.readout != "spikes":
        counts = dict(list(counts.items())[:-1])  # the scores of an output that does not spike
    problems: dict[str, str] = {}
    for name, spikes in counts.items():
        problem = _problem(name, spikes, _most(network), _raise_input(network, x.dim() == 3))
        if problem is not None:
            kind, sentence = problem
            problems[f"{kind} {name}"] = sentence
            if kind == "silent":
                break  # the layers above are silent for its sake
    return problems


def _problem(name: str, spikes: torch.Tensor, most: int, more_input: str) -> tuple[str, str] | None:
    """What a layer's problem is called, and its sentence; spike counts are (images, neurons)."""
    fired = spikes.any(0)
    dead = 1.0 - float(fired.double().mean())
    if not fired.any():
        return "silent", (
            f"layer '{name}' is silent: none of its {counted(len(fired), 'neuron')} fires for any"
            f" of {counted(len(spikes), 'image')}, so that nothing is learned through it;"
            f" {more_input}, or, if it fired before, lower the learning rate"
        )
    if dead > DEAD_FRACTION:
        return "dead", (
            f"{dead:.0%} of layer '{name}' are dead units, which fire for none of {len(spikes)}"
            f" images; lower the learning rate, or {more_input}"
        )
    mean = float(spikes[spikes > 0].double().mean())
    if most >= _COUNTED and mean > SATURATED * most:
        return "exploding", (
            f"rates explode in layer '{name}': neurons that fire do so {mean:.1f} times an"
            f" image, of {most} possible; lower the learning rate, add weight_decay, or raise"
            " v_threshold_mv"
        )
    return None


def _most(network: SpikingClassifier | LatencyNetwork) -> int:
    """How many spikes a neuron can fire for an image."""
    if isinstance(network, SpikingClassifier):
        return network.n_steps
    return network.description.max_spikes


def _raise_input(network: SpikingClassifier | LatencyNetwork, given: bool) -> str:
    """How to excite the network more; `given`: its input spikes are recorded ones."""
    setting = "tau_m_ms"
    if not given and getattr(network.description, "input", "rate") == "rate":
        setting = "max_rate_hz"
    if isinstance(network, LatencyNetwork):
        setting = "weight_mean or weight_sd"
    return f"lower the model's v_threshold_mv or raise its {setting}"
