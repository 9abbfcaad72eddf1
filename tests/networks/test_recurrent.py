"""Recurrent cells: torch's own GRU, and partial derivatives against automatic differentiation."""

from __future__ import annotations

import pytest
import torch

from spikelearn.networks.recurrent import Recurrent


def network(kind: str, **fields: float) -> torch.nn.Module:
    return Recurrent(kind=kind, name="r", n_steps=6, row=4, hidden=5, **fields).build(0).double()


def test_the_gated_cell_is_torchs_gru() -> None:
    cell = network("gru").layers[0]
    theirs = torch.nn.GRU(4, 5, batch_first=True).double()
    # torch's order is reset, update, new; its h is (1 - u) n + u h, ours (1 - u) h + u n.
    u, r, n = (cell.weight[i * 5 : (i + 1) * 5] for i in range(3))
    rows = torch.cat([r, -u, n])
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(rows[:, :4])
        theirs.weight_hh_l0.copy_(rows[:, 4:])
        theirs.bias_ih_l0.zero_()
        theirs.bias_hh_l0.zero_()
    x, h = torch.randn(3, 6, 4, dtype=torch.float64), torch.zeros(3, 5, dtype=torch.float64)
    states = []
    for t in range(6):
        h = cell.step(cell.from_input(x[:, t]), cell.from_state(h), h)
        states.append(h)
    torch.testing.assert_close(torch.stack(states, 1), theirs(x)[0])


@pytest.mark.parametrize(("kind", "fields"), [("elman", {"leak": 0.3}), ("gru", {})])
def test_partials_are_those_of_automatic_differentiation(kind: str, fields: dict) -> None:
    cell = network(kind, **fields).layers[0]
    blocks = cell.blocks
    p, q, h = (
        torch.randn(2, n, dtype=torch.float64, requires_grad=True)
        for n in (5 * blocks, 5 * blocks, 5)
    )
    partials = cell.partials(p, q, h)
    after = cell.step(p, q, h)
    for unit in range(5):
        by_p, by_q, by_h = torch.autograd.grad(after[:, unit].sum(), [p, q, h], retain_graph=True)
        torch.testing.assert_close(by_h[:, unit], partials.keep[:, unit])
        for block in range(blocks):
            at = block * 5 + unit
            torch.testing.assert_close(by_p[:, at], partials.by_p[:, at])
            torch.testing.assert_close(by_q[:, at], partials.by_q[:, at])


def test_a_leak_keeps_what_it_says() -> None:
    cell = network("elman", leak=0.25).layers[0]
    h, zero = torch.ones(1, 5, dtype=torch.float64), torch.zeros(1, 5, dtype=torch.float64)
    torch.testing.assert_close(cell.step(zero, zero, h), 0.75 * h)
