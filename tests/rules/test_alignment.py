"""Feedback alignment aligns: its updates come to point along the gradient (Lillicrap et al. 2016).

A random teacher network labels random inputs; a student learns from it by feedback alignment, and
at every step its update can be laid beside the gradient of backpropagation.
"""

from __future__ import annotations

import math

import pytest
import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule


def hidden_angles(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """Angle in degrees between the rule's and backprop's update of each hidden layer's weights."""
    rule.update(x, y, lambda: None)
    ours = [layer.weight.grad.clone() for layer in rule.network.layers]
    backprop = make_rule("backprop")
    backprop.prepare(rule.network, torch_generator(0, "unused"))
    backprop.update(x, y, lambda: None)
    theirs = [layer.weight.grad for layer in rule.network.layers]
    return [
        math.degrees(
            math.acos(float(torch.nn.functional.cosine_similarity(a.ravel(), b.ravel(), dim=0)))
        )
        for a, b in list(zip(ours, theirs, strict=True))[:-1]
    ]


@pytest.mark.parametrize("name", ["feedback_alignment", "direct_feedback_alignment"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_updates_turn_towards_the_gradient_while_learning(name: str, seed: int) -> None:
    teacher = MLP(name="teacher", sizes=(20, 30, 5)).build(100 + seed)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2000, 20, generator=generator)
    with torch.no_grad():
        scores = teacher(x)
        y = (scores - scores.mean(0)).argmax(1)
    network = MLP(name="student", sizes=(20, 60, 60, 5), activation="tanh").build(seed)
    rule = make_rule(name)
    rule.prepare(network, torch_generator(seed, "rule"))
    start = hidden_angles(rule, x, y)
    optimiser = torch.optim.SGD(rule.parameters(), lr=0.1, momentum=0.9)
    first = float(torch.nn.functional.cross_entropy(rule.predict(x), y))
    for step in range(400):
        chosen = slice(50 * (step % 40), 50 * (step % 40) + 50)
        rule.update(x[chosen], y[chosen], optimiser.step)
    last = float(torch.nn.functional.cross_entropy(rule.predict(x), y))
    end = hidden_angles(rule, x, y)
    assert last < 0.5 * first
    # Random feedback starts out unrelated to the gradient.
    assert min(start) > 80.0
    for angle in end:
        assert angle < 75.0
    assert sum(end) < sum(start) - 50.0
