"""Energy-based rules at rest, and gradients through their relaxation step by step."""

from __future__ import annotations

from typing import Any

import torch

from spikelearn.rules.energy_based import EnergyBased
from spikelearn.rules.rule import output_loss
from tests.oracles.examples import (
    network,
    prepared,
)

KINDS = ["mlp", "cnn"]


# Long enough to rest, for weights small enough to have one resting point.
REST: dict[str, Any] = {"free_steps": 150, "nudged_steps": 150, "activation": "sigmoid"}


RHO: dict[str, Any] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "hard_sigmoid": lambda a: a.clamp(0.0, 1.0),
    "identity": lambda a: a,
}


def calm(kind: str = "mlp") -> Any:
    """A network whose relaxation has one resting point."""
    net = network(kind)
    with torch.no_grad():
        for weight in net.weights():
            weight.mul_(0.5)
    return net


def ready(name: str, net: Any, **options: Any) -> EnergyBased:
    rule = prepared(name, net, **{**REST, **options})
    assert isinstance(rule, EnergyBased)
    return rule


def relaxed_scores(
    rule: EnergyBased, x: torch.Tensor, n_steps: int, held: torch.Tensor | None = None
) -> torch.Tensor:
    """Output of the free phase with an automatic gradient through every step from rest.

    With the output layer's state held, it is what this layer receives from below.
    """
    layers = rule.layers
    states = [s.detach() for s in rule.free_states(x)]
    hold = [] if held is None else [held]
    for _ in range(n_steps):
        states[len(states) - len(hold) :] = hold
        goals = []
        for index, layer in enumerate(layers):
            a = layer.drive(states[index - 1] if index else x)
            if index + 1 < len(layers):
                # transpose written as the derivative of drive, an independent path
                probe = states[index].detach().requires_grad_()
                value = (layers[index + 1].drive(probe) * states[index + 1]).sum()
                signal = torch.autograd.grad(value, probe, create_graph=True)[0]
                a = a + rule.dynamics.feedback * signal
            goals.append(RHO[rule.nonlinearities[index]](a))
        states = goals
    return states[-1] if rule.readout is None else rule.readout.drive(states[-1])


def implicit_gradient(
    rule: EnergyBased, x: torch.Tensor, y: torch.Tensor, n_steps: int = 150
) -> list[torch.Tensor]:
    """Gradient of the loss at the resting point: backpropagation through many steps at rest."""
    loss = output_loss(rule.loss, relaxed_scores(rule, x, n_steps), y)[0]
    grads = torch.autograd.grad(loss, list(rule.network.parameters()), allow_unused=True)
    return [
        torch.zeros_like(p) if g is None else g
        for p, g in zip(rule.network.parameters(), grads, strict=True)
    ]
