"""Backpropagation and feedback alignment in NumPy, written out by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import torch

from spikelearn.networks.layers import Dense, RateNetwork
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule

Gradients = list[np.ndarray]


SIZES = (7, 6, 5, 4)


def network(activation: str, sizes: tuple[int, ...] = SIZES, seed: int = 0) -> RateNetwork:
    """A network in 64 bits, with biases away from zero."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        Dense(n_in, n_out, activation if i < len(sizes) - 2 else "identity", generator)
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes))
    ]
    made = RateNetwork(layers).double()
    with torch.no_grad():
        for layer in layers:
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(n: int = 9, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and classes."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, SIZES[0], generator=generator, dtype=torch.float64)
    return x, torch.randint(SIZES[-1], (n,), generator=generator)


def prepared(name: str, net: RateNetwork, seed: int = 2) -> Rule:
    """A rule on `net`, with what it draws in 64 bits."""
    rule = make_rule(name)
    rule.prepare(net, torch.Generator().manual_seed(seed))
    rule.extra.double()
    return rule


def update_of(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> Gradients:
    """What `update` leaves in `.grad`, in the order of the network's parameters."""
    rule.update(x, y, lambda: None)
    return [p.grad.numpy().copy() for p in rule.network.parameters()]


def set_feedback(rule: Rule, matrices: list[torch.Tensor]) -> None:
    """Put these in place of the drawn feedback weights."""
    with torch.no_grad():
        for parameter, matrix in zip(rule.extra["feedback"].parameters(), matrices, strict=True):
            parameter.copy_(matrix)


def assert_close(found: Gradients, expected: Gradients, rtol: float = 1e-12) -> None:
    """Equal up to `rtol` of the largest entry of each array."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max() + 1e-300)
        assert np.abs(b).max() > 0, "a gradient that is zero proves nothing"


def phi(name: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Activity and derivative."""
    if name == "relu":
        return np.maximum(z, 0), (z > 0).astype(float)
    if name == "tanh":
        return np.tanh(z), 1 - np.tanh(z) ** 2
    return z, np.ones_like(z)


def by_hand(
    net: RateNetwork,
    x: torch.Tensor,
    y: torch.Tensor,
    hidden_error: Callable[[int, np.ndarray, np.ndarray], np.ndarray],
) -> Gradients:
    """Update of a batch; `hidden_error(l, delta above, output error)` gives the signal at h_l.

    Written for one sample at a time with column vectors, as the papers write it.
    """
    weights = [layer.weight.detach().numpy() for layer in net.layers]
    biases = [layer.bias.detach().numpy() for layer in net.layers]
    names = [layer.activation for layer in net.layers]
    total = [np.zeros_like(p) for pair in zip(weights, biases, strict=True) for p in pair]
    for sample, label in zip(x.numpy(), y.numpy(), strict=True):
        h, slopes = [sample], []
        for w, b, name in zip(weights, biases, names, strict=True):
            activity, slope = phi(name, w @ h[-1] + b)
            h.append(activity)
            slopes.append(slope)
        error = np.exp(h[-1] - h[-1].max())
        error /= error.sum()
        error[label] -= 1
        delta = error
        for layer in reversed(range(len(weights))):
            if layer < len(weights) - 1:
                delta = hidden_error(layer, delta, error) * slopes[layer]
            total[2 * layer] += np.outer(delta, h[layer]) / len(y)
            total[2 * layer + 1] += delta / len(y)
    return total


def feedback_of(rule: Rule) -> list[np.ndarray]:
    return [m.numpy() for m in rule.extra["feedback"].parameters()]
