"""Small recurrent networks for the oracles, a step of them by hand, and the gradient."""

from __future__ import annotations

from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.recurrent import Cell, Recurrent, RecurrentNetwork
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.rule import Rule, output_loss

KINDS = ["elman", "gru"]


LOSSES = ["cross_entropy", "squared_error"]


RECURRENT_RULES = [name for name, entry in RULES.items() if entry.networks == ("elman", "gru")]


Gradients = list[torch.Tensor]


def network(kind: str, n_steps: int = 5, hidden: int = 6) -> RecurrentNetwork:
    """A small network with biases away from zero."""
    model = Recurrent(
        kind=kind, name="m", n_steps=n_steps, row=3, hidden=hidden, n_classes=4, leak=0.4
    )
    made = model.build(0).double()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for layer in made:
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(n_steps: int = 5, n: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    """Sequences and classes."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, 3 * n_steps, generator=generator, dtype=torch.float64)
    return x, torch.randint(4, (n,), generator=generator)


def prepared(name: str, net: RecurrentNetwork, **options: Any) -> Rule:
    rule = make_rule(name, **options)
    rule.prepare(net, torch_generator(0, "rule"))
    rule.extra.double()
    return rule


def update_of(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> Gradients:
    rule.update(x, y, lambda: None)
    return [p.grad.clone() for p in rule.network.parameters()]


def gradient(net: RecurrentNetwork, x: torch.Tensor, y: torch.Tensor, loss: str) -> Gradients:
    """By automatic differentiation of a pass written once more, step by step."""
    return list(torch.autograd.grad(loss_of(net, x, y, loss), list(net.parameters())))


def loss_of(
    net: RecurrentNetwork,
    x: torch.Tensor,
    y: torch.Tensor,
    loss: str = "cross_entropy",
    cut_between_units: bool = False,
) -> torch.Tensor:
    """Loss; with `cut_between_units` no gradient passes from unit to unit through U."""
    cell = net.cell
    h = torch.zeros(len(x), cell.hidden, dtype=x.dtype)
    for row in x.reshape(len(x), -1, 3).unbind(1):
        sent = h.detach() if cut_between_units else h
        h = by_hand(cell, row, sent, h)
    return output_loss(loss, h @ net.output.weight.T + net.output.bias, y)[0]  # type: ignore[arg-type]


def by_hand(cell: Cell, x: torch.Tensor, sent: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """A time step from the papers' formulae; `sent` is what arrives through U."""
    w, u, b = cell.weight[:, :3], cell.weight[:, 3:], cell.bias
    if cell.blocks == 1:
        return 0.6 * h + 0.4 * torch.tanh(x @ w.T + b + sent @ u.T)
    n = cell.hidden
    parts = [slice(i * n, (i + 1) * n) for i in range(3)]
    p = [x @ w[part].T + b[part] for part in parts]
    q = [sent @ u[part].T for part in parts]
    gate, reset = torch.sigmoid(p[0] + q[0]), torch.sigmoid(p[1] + q[1])
    return (1 - gate) * h + gate * torch.tanh(p[2] + reset * q[2])


def assert_close(found: Gradients, expected: Gradients, tolerance: float = 1e-12) -> None:
    for a, b in zip(found, expected, strict=True):
        assert b.abs().max() > 0, "a gradient that is zero proves nothing"
        assert (a - b).abs().max() <= tolerance * b.abs().max()


def flat(gradients: Gradients) -> torch.Tensor:
    return torch.cat([g.flatten() for g in gradients])


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0))
