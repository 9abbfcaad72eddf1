"""Hebbian rules on inputs of which the oracles know what there is to learn."""

from __future__ import annotations

from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.hebbian import Hebbian
from spikelearn.rules.rule import Rule

Tensor = torch.Tensor


def prepared(name: str, sizes: tuple[int, ...], seed: int = 0, **options: Any) -> Hebbian:
    """A rule in 64 bits, in its unsupervised stage."""
    rule = make_rule(name, **options)
    rule.prepare(MLP(name="m", sizes=sizes).build(seed).double(), torch_generator(seed, "rule"))
    rule.extra.double()
    rule.begin_epoch(1, 2)
    assert isinstance(rule, Hebbian)
    return rule


def learn(rule: Rule, x: Tensor, rate: float, n_steps: int = 1) -> None:
    """Steps of plain gradient descent on the first layer."""
    weight = rule.network.weights()[0]
    y = torch.zeros(len(x), dtype=torch.int64)
    for _ in range(n_steps):
        rule.update(x, y, lambda: None)
        with torch.no_grad():
            weight -= rate * weight.grad


def correlated(n: int = 4000, dimensions: int = 6) -> tuple[Tensor, Tensor]:
    """Gaussian samples with mean 0 and distinct variances along random axes; and these axes."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(dimensions, dimensions, generator=generator, dtype=torch.float64)
    axes = torch.linalg.qr(noise)[0]
    scales = torch.tensor([2.0, 1.5, 1.1, 0.7, 0.4, 0.2], dtype=torch.float64)[:dimensions]
    x = torch.randn(n, dimensions, generator=generator, dtype=torch.float64) * scales @ axes.T
    x = x - x.mean(0)
    # The sample's own components, so that nothing is left to chance.
    vectors = torch.linalg.eigh(x.T @ x / n)[1]
    return x, vectors.flip(1).T
