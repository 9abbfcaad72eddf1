"""Rate networks on which the oracles average what noise teaches."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule, output_loss

KINDS = ["mlp", "cnn"]


NODE_RULES = [
    ("node_perturbation", {"sigma": 1e-5}),
    ("node_perturbation", {"sigma": 1e-5, "antithetic": False}),
    ("node_perturbation", {"sigma": 1e-5, "iterative": True}),
    ("forward_gradient", {"perturb": "activities"}),
]


def network(kind: str = "mlp") -> RateNetwork:
    """A small network in 64 bits with biases away from zero."""
    model: Any = (
        MLP(name="m", sizes=(16, 7, 6, 4), activation="tanh")
        if kind == "mlp"
        else CNN(
            name="c", input_shape=(1, 4, 4), channels=(3,), pool=(2,), hidden=(5,), n_classes=4,
            activation="tanh",
        )
    )  # fmt: skip
    made = model.build(0).double()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for layer in made:
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(n: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, 16, generator=generator, dtype=torch.float64)
    return x, torch.randint(4, (n,), generator=generator)


def prepared(name: str, net: RateNetwork, seed: int = 0, **options: Any) -> Rule:
    rule = make_rule(name, **options)
    rule.prepare(net, torch_generator(seed, "rule"))
    rule.extra.double()
    return rule


def update_of(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    rule.update(x, y, lambda: None)
    return torch.cat([p.grad.flatten() for p in rule.network.parameters()])


def gradient(net: RateNetwork, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    loss = output_loss("cross_entropy", net(x), y)[0]
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))])


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0))
