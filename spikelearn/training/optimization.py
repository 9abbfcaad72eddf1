"""The optimiser of a training run, one for every rule, and an epoch of updates.

Training runs and the short trainings of the plausibility audit differ in what they do between the
epochs and around an update; those are hooks of `train_epoch`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import RateNetwork
from spikelearn.rules.rule import Rule
from spikelearn.training.config import GroupConfig, TrainConfig

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule
    from spikelearn.training.images import Split


class Optimizer:
    """Adam with decoupled weight decay, or stochastic gradient descent, for each group of a rule.

    Kingma & Ba 2015, arXiv:1412.6980; Loshchilov & Hutter 2019, arXiv:1711.05101. Parameters
    without a `.grad` stay where they are.
    """

    def __init__(self, config: TrainConfig, rule: Rule) -> None:
        self.config = config
        settings = _by_kind(config, rule)
        self.parts: dict[str, torch.optim.Optimizer] = {}
        if settings["adam"]:
            # The fused implementation makes one pass over a parameter's memory instead of eight.
            self.parts["adam"] = torch.optim.AdamW(settings["adam"], fused=True)
        if settings["sgd"]:
            self.parts["sgd"] = torch.optim.SGD(settings["sgd"], fused=True)

    def step(self) -> None:
        """Move every parameter that has a `.grad`, and set these to None."""
        for part in self.parts.values():
            for group in part.param_groups:
                _lay_out(group["params"])
            part.step()
            part.zero_grad(set_to_none=True)

    def set_progress(self, done: float) -> None:
        """Set learning rates for the fraction of the run that is done."""
        for part in self.parts.values():
            for group in part.param_groups:
                first, last = group["epochs"]
                epochs = done * self.config.epochs - (first - 1)
                group["lr"] = group["full_rate"] * self._factor(epochs / (last - first + 1))

    def _factor(self, done: float) -> float:
        done = min(max(done, 0.0), 1.0)
        return {
            "constant": 1.0,
            "linear": 1.0 - done,
            "cosine": 0.5 * (1.0 + math.cos(math.pi * done)),
        }[self.config.schedule]

    def state(self) -> dict[str, torch.Tensor]:
        """What a checkpoint holds."""
        return {
            f"{kind}.{index}.{name}": torch.as_tensor(value)
            for kind, part in self.parts.items()
            for index, state in part.state_dict()["state"].items()
            for name, value in state.items()
            if value is not None
        }

    def load_state(self, tensors: dict[str, torch.Tensor]) -> None:
        """Go on from a checkpoint."""
        states: dict[str, dict[int, dict[str, torch.Tensor]]] = {kind: {} for kind in self.parts}
        for key, tensor in tensors.items():
            kind, index, name = key.split(".", 2)
            states[kind].setdefault(int(index), {})[name] = tensor
        for kind, part in self.parts.items():
            part.load_state_dict({**part.state_dict(), "state": states[kind]})


def _lay_out(parameters: list[nn.Parameter]) -> None:
    """Put gradients in memory in the order of their parameters, as fused optimisers take them.

    They read both from one end to the other: the entries of a gradient that was made as a
    transposed product would move other weights than their own.
    """
    for parameter in parameters:
        gradient = parameter.grad
        if gradient is not None and gradient.stride() != parameter.stride():
            parameter.grad = torch.empty_like(parameter).copy_(gradient)


def _by_kind(config: TrainConfig, rule: Rule) -> dict[str, list[dict[str, Any]]]:
    groups = rule.groups()
    for name in config.groups:
        if name not in groups:
            raise SpikelearnError(
                f"the rule '{config.rule}' has no group of parameters called '{name}'; its groups"
                f" are {', '.join(groups)}"
            )
    by_kind: dict[str, list[dict[str, Any]]] = {"adam": [], "sgd": []}
    for name, parameters in groups.items():
        moved = [p for p in parameters if p.requires_grad]
        group = config.groups.get(name, GroupConfig())
        kind = group.optimizer or config.optimizer
        rate = config.learning_rate if group.learning_rate is None else group.learning_rate
        decay = config.weight_decay if group.weight_decay is None else group.weight_decay
        momentum = config.momentum if group.momentum is None else group.momentum
        epochs = group.epochs or (1, config.epochs)
        for factor, part in _by_layer(config, rule, name, moved):
            if not part:
                continue
            settings: dict[str, Any] = {"params": part, "lr": rate * factor, "weight_decay": decay}
            if kind == "sgd":
                settings["momentum"] = momentum
            by_kind[kind].append({**settings, "full_rate": rate * factor, "epochs": epochs})
    return by_kind


def _by_layer(
    config: TrainConfig, rule: Rule, group: str, parameters: list[nn.Parameter]
) -> list[tuple[float, list[nn.Parameter]]]:
    if config.layer_rates is None or not isinstance(rule.network, RateNetwork):
        return [(1.0, parameters)]
    layers = [{id(p) for p in layer.parameters()} for layer in rule.network]
    if len(config.layer_rates) != len(layers):
        raise SpikelearnError(
            f"layer_rates gives {len(config.layer_rates)} factors, but model '{config.model}' has"
            f" {counted(len(layers), 'layer')}"
        )
    parts = [
        (factor, [p for p in parameters if id(p) in layer])
        for factor, layer in zip(config.layer_rates, layers, strict=True)
    ]
    within = set().union(*layers)
    return [*parts, (1.0, [p for p in parameters if id(p) not in within])]


def train_epoch(
    rule: Rule,
    data: Split,
    batches: Iterable[torch.Tensor],
    step: Callable[[], None],
    epoch: int,
    n_epochs: int,
    before_update: Callable[[int], None] | None = None,
    shown: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> torch.Tensor:
    """Let the rule make an update of each batch in turn.

    Parameters
    ----------
    rule : Rule
        Prepared.
    data : Split
    batches : iterable of int tensors of shape (batch,)
        Places of the examples in the data.
    step : callable
        Moves every parameter that has a `.grad`, and sets these to None; the rule calls it, once an
        update or as often as its dynamics ask.
    epoch, n_epochs : int
        Number of this epoch, the first of which is 1, and of epochs in the run.
    before_update : callable, optional
        Called before each update with the number of updates that were made in the epoch.
    shown : callable, optional
        Gives the inputs at places of the data; the data as they are if absent.

    Returns
    -------
    tensor, scalar
        Sum over the examples of the objective, each batch before its update.
    """
    rule.begin_epoch(epoch, n_epochs)
    rule.network.train()
    rule.extra.train()
    total = torch.zeros((), device=data.y.device)
    for done, batch in enumerate(batches):
        if before_update is not None:
            before_update(done)
        x = data.x[batch] if shown is None else shown(batch)
        loss = rule.update(x, data.y[batch], step)
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            raise SpikelearnError(
                f"update of the rule {type(rule).__name__} must return the batch's loss as a"
                f" scalar tensor, and returned {type(loss).__name__}"
            )
        total += loss.detach() * len(batch)
    return total
