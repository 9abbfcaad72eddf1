"""Small networks and batches in 64 bits, for the oracle tests."""

from __future__ import annotations

from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule, output_loss

Gradients = list[torch.Tensor]


def network(
    kind: str = "mlp", activation: str = "tanh", sizes: tuple[int, ...] = (16, 7, 6, 4)
) -> RateNetwork:
    """A small network with biases away from zero."""
    model: Any = (
        MLP(name="m", sizes=sizes, activation=activation)  # type: ignore[arg-type]
        if kind == "mlp"
        else CNN(
            name="c", input_shape=(1, 4, 4), channels=(3, 3), pool=(1, 2), hidden=(5,),
            n_classes=4, activation=activation,  # type: ignore[arg-type]
        )
    )  # fmt: skip
    made: RateNetwork = model.build(0).double()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for layer in made:
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(n: int = 6, n_inputs: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and classes."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, n_inputs, generator=generator, dtype=torch.float64)
    return x, torch.randint(4, (n,), generator=generator)


def prepared(name: str, net: RateNetwork, seed: int = 0, **options: Any) -> Rule:
    """A rule on `net`, with what it draws in 64 bits."""
    rule = make_rule(name, **options)
    rule.prepare(net, torch_generator(seed, "rule"))
    rule.extra.double()
    return rule


def update_of(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> Gradients:
    """What `update` leaves in the network's `.grad`, added up over calls of apply."""
    parameters = list(rule.network.parameters())
    totals = [torch.zeros_like(p) for p in parameters]

    def add_up() -> None:
        for total, parameter in zip(totals, parameters, strict=True):
            if parameter.grad is not None:
                total.add_(parameter.grad)
        for parameter in rule.parameters():
            parameter.grad = None

    rule.update(x, y, add_up)
    return totals


def gradient(
    net: RateNetwork, x: torch.Tensor, y: torch.Tensor, loss: str = "cross_entropy"
) -> Gradients:
    """The gradient of the loss by automatic differentiation."""
    value = output_loss(loss, net(x), y)[0]  # type: ignore[arg-type]
    return list(torch.autograd.grad(value, list(net.parameters())))


def flat(gradients: Gradients) -> torch.Tensor:
    """All of them in one vector."""
    return torch.cat([g.flatten() for g in gradients])


def relative_error(found: Gradients, expected: Gradients) -> float:
    """Norm of the difference over the norm of what is expected."""
    return float((flat(found) - flat(expected)).norm() / flat(expected).norm())


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    """Cosine of the angle between two tensors."""
    return float(torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0))
