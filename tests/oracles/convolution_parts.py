"""Networks with strides, pooling, normalisation, dropout and residual layers, for the oracles."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy, one_hot

from spikelearn._seeding import torch_generator
from spikelearn.networks.cnn import CNN
from spikelearn.networks.layers import RateNetwork
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule, in_training

GIVEN: dict[str, Any] = {
    "name": "c", "input_shape": (2, 7, 6), "channels": (4, 5), "n_classes": 4, "hidden": (5,),
    "activation": "tanh",
}  # fmt: skip
FIELDS: dict[str, dict[str, Any]] = {
    "strides": {"stride": [2, 1], "padding": [0, 1], "kernel_size": [3, 2], "pool": 1},
    "max": {"pool": ["max 3 stride 2", "max 2"], "bias": [False, True]},
    "average": {"pool": ["average 2", "average 3 stride 1"]},
    "batch": {"pool": ["max 2", 1], "norm": "batch"},
    "group": {"pool": ["average 2", 1], "norm": ["group 2", "group 5"]},
    "dense": {"pool": ["max 2", 1], "hidden": [6, 4], "norm": ["none", "none", "batch", "group 2"]},
    "residual": {"pool": ["max 2", 1], "residual": [False, True], "stride": [1, 2]},
    "dropout": {"pool": ["max 2", 1], "dropout": [0.3, 0.2, 0.4]},
    "all": {"pool": ["average 2", "max 2"], "norm": ["batch", "group 5"], "dropout": 0.25,
            "residual": [False, True]},
}  # fmt: skip
SYNAPTIC = ["strides", "max", "average", "residual", "dropout"]  # without a normalisation


def network(kind: str) -> RateNetwork:
    made = CNN(**GIVEN | FIELDS[kind]).build(0).double()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if name.endswith("bias") or "norm" in name:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return made


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(6, 84, generator=generator, dtype=torch.float64)
    return x, torch.randint(4, (6,), generator=generator)


def prepared(name: str, kind: str, **options: Any) -> Rule:
    rule = make_rule(name, **options)
    rule.prepare(network(kind), torch_generator(0, "rule"))
    rule.extra.double()
    return rule


def as_it_is(x: torch.Tensor) -> torch.Tensor:
    return x


def updates(rule: Rule, shown: Any = as_it_is) -> dict[str, torch.Tensor]:
    """What an update leaves, and what dropout it was under is left in the rule's generator."""
    found: dict[str, torch.Tensor] = {}

    def keep() -> None:
        for name, parameter in rule.network.named_parameters():
            if parameter.grad is not None:
                found[name] = found.get(name, 0) + parameter.grad
        for parameter in rule.parameters():
            parameter.grad = None

    x, y = batch()
    rule.update(shown(x), y, keep)
    return found


def gradient(rule: Rule, shown: Any = as_it_is) -> dict[str, torch.Tensor]:
    """That of the loss by automatic differentiation, with the dropout that an update would have."""
    x, y = batch()
    state = rule.generator.get_state()
    names, parameters = zip(*rule.network.named_parameters(), strict=True)
    with in_training(rule, len(y)):
        scores = rule.network(shown(x))
    rule.generator.set_state(state)
    loss = (
        cross_entropy(scores, y)
        if rule.loss == "cross_entropy"
        else 0.5 * (scores - one_hot(y, 4)).square().sum() / len(y)
    )
    return dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))


def assert_same(found: Any, expected: Any, tolerance: float = 1e-9) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=tolerance, atol=tolerance)
