"""The forward-forward rules once more, for their oracles.

Images with labels made one by one, layers of torch's own functions, and costs from the formulae of
the papers, for automatic differentiation.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn.functional import conv2d

from spikelearn.networks.cnn import CNN
from spikelearn.networks.convolution import Convolution
from spikelearn.networks.layers import Dense, RateNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule

FORWARD_FORWARD, SYMBA = "forward_forward", "forward_forward_symba"


CHANNELWISE = "forward_forward_channelwise"


CONTRASTIVE = [FORWARD_FORWARD, SYMBA]


SIZES, N_CLASSES = (11, 9, 8, 7, 4), 4


Tensor = torch.Tensor


def network(kind: str = "mlp", activation: Any = "relu", sizes: tuple[int, ...] = SIZES) -> Any:
    """A network in 64 bits, with biases away from zero; every layer has its own number of units."""
    if kind == "mlp":
        made = MLP(name="m", sizes=sizes, activation=activation).build(0)
    else:
        made = CNN(
            name="c", input_shape=(2, 7, 6), channels=(5, 6), pool=(2, 1), hidden=(9,),
            n_classes=N_CLASSES, activation=activation,
        ).build(0)  # fmt: skip
    made.double()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for layer in made:
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(net: RateNetwork, n: int = 6) -> tuple[Tensor, Tensor]:
    """Inputs between 0 and 1, and classes."""
    generator = torch.Generator().manual_seed(1)
    n_inputs = math.prod(next(iter(net)).in_shape)
    x = torch.rand(n, n_inputs, generator=generator, dtype=torch.float64)
    return x, torch.arange(n) % next(reversed(list(net))).weight.shape[0]


def prepared(name: str, net: RateNetwork, **options: Any) -> Any:
    rule = make_rule(name, **options)
    rule.prepare(net, torch.Generator().manual_seed(2))
    rule.extra.double()
    return rule


def update_of(rule: Rule, x: Tensor, y: Tensor) -> list[Tensor | None]:
    """What `update` leaves in `.grad` of the network's parameters, layer by layer."""
    for p in rule.parameters():
        p.grad = None
    rule.update(x, y, lambda: None)
    return [None if p.grad is None else p.grad.clone() for p in rule.network.parameters()]


def show(rule: Any, wrong: Tensor) -> None:
    """Have these wrong labels shown instead of drawn ones."""
    rule.wrong_labels = lambda scores, is_right: wrong


def with_label(rule: Any, x: Tensor, label: int | None) -> Tensor:
    """The images with a label in them; None: with the neutral one."""
    strength = rule.label_strength
    first = next(iter(rule.network))
    if isinstance(first, Dense):
        shown = x.clone()
        shown[:, :N_CLASSES] = strength / N_CLASSES if label is None else 0.0
        if label is not None:
            shown[:, label] = strength
        return shown
    signs = rule.extra["labels"].patterns[:-1] / strength
    assert set(signs.flatten().tolist()) == {-1.0, 1.0}
    sign = signs.mean(0) if label is None else signs[label]
    return (1.0 - strength) * x + strength * sign


def layers_by_hand(net: RateNetwork, x: Tensor) -> list[Tensor]:
    """Activity of every layer; each sees the direction of the one below, which it cannot reach."""
    functions = {"relu": torch.relu, "tanh": torch.tanh, "identity": lambda z: z}
    activities: list[Tensor] = []
    below = x
    for layer in net:
        below = below.detach().flatten(1)
        u = below / (below.norm(dim=1, keepdim=True) / math.sqrt(below.shape[1]))
        if isinstance(layer, Convolution):
            z = conv2d(u.reshape(-1, *layer.in_shape), layer.weight, layer.bias, padding="same")
            _, height, width = layer.out_shape
            p = layer.averaged
            z = z[..., : height * p, : width * p]
            z = z.reshape(*z.shape[:2], height, p, width, p).mean((3, 5))
        else:
            z = u @ layer.weight.T + layer.bias
        below = functions[layer.activation](z)
        activities.append(below)
    return activities


def goodness_by_hand(net: RateNetwork, x: Tensor) -> list[Tensor]:
    """Of every hidden layer, each of shape (batch,)."""
    return [(h**2).flatten(1).mean(1) for h in layers_by_hand(net, x)[:-1]]


def costs_by_hand(rule: Any, x: Tensor, y: Tensor, wrong: Tensor) -> list[Tensor]:
    """Cost of every hidden layer, from the formulae of the papers; sample by sample."""
    total: list[Tensor] = []
    for i in range(len(y)):
        right = goodness_by_hand(rule.network, with_label(rule, x[i : i + 1], int(y[i])))
        other = goodness_by_hand(rule.network, with_label(rule, x[i : i + 1], int(wrong[i])))
        for layer, (a, b) in enumerate(zip(right, other, strict=True)):
            if hasattr(rule, "alpha"):
                cost = torch.log(1 + torch.exp(-rule.alpha * (a - b))).sum()
            else:
                s = rule.slope or math.prod(list(rule.network)[layer].out_shape)
                p_right, p_wrong = (torch.sigmoid(s * (g - rule.theta)) for g in (a, b))
                cost = -(torch.log(p_right) + torch.log(1 - p_wrong)).sum()
            total.append(cost) if i == 0 else total.__setitem__(layer, total[layer] + cost)
    return [cost / len(y) for cost in total]


def assert_close(found: Tensor | None, expected: Tensor, tolerance: float = 1e-11) -> None:
    assert found is not None
    scale = float(expected.abs().max())
    assert scale > 0, "a gradient that is zero proves nothing"
    assert float((found - expected).abs().max()) <= tolerance * scale
