"""Tags go where numbers go, through torch's operations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tags import elements, followed

from spikelearn.plausibility.instruments.observer import OperationObserver

SYSTEM = 2 * torch.eye(4) + torch.rand(4, 4, generator=torch.Generator().manual_seed(1))
# Operations that take their arguments apart otherwise than element by element.
ROUTES: dict[str, Any] = {
    "one system": lambda a: torch.linalg.solve(SYSTEM, a[0]),
    "one system, several right sides": lambda a: torch.linalg.solve(SYSTEM, a),
    "one system, its matrix": lambda a: torch.linalg.solve(SYSTEM + a, SYSTEM),
    "a system a sample": lambda a: torch.linalg.solve(SYSTEM.repeat(4, 1, 1), a),
    "rows": lambda a: a.index_select(0, torch.tensor([2, 0, 3])),
    "columns": lambda a: a.index_select(1, torch.tensor([3, 2])),
    "rows by index": lambda a: SYSTEM.index_select(0, (3.9 * a[0].clamp(0, 1)).long()),
    "rows, some several times": lambda a: a.repeat_interleave(torch.tensor([1, 2, 0, 3]), 0),
    "one number a line": lambda a: torch.zeros(4, 4).scatter_(
        1, (3.9 * a[:, :1].clamp(0, 1)).long(), 1.0
    ),
    "values, one a line": lambda a: torch.zeros(4, 4).scatter_(
        1, torch.tensor([[1], [0], [2], [3]]), a[:, :1].contiguous()
    ),
    "values in some lines": lambda a: torch.zeros(4, 4).scatter_(0, torch.tensor([[1, 3]]), a),
    "places": lambda a: a.take(torch.tensor([0, 6, 13])),
    "systems, some shared": lambda a: torch.linalg.solve(SYSTEM, a.expand(3, 4, 4)),
}


@pytest.mark.parametrize("route", list(ROUTES))
@pytest.mark.parametrize("place", [(0, 0), (1, 2), (3, 1)])
def test_whatever_moves_with_a_number_carries_its_tag(route: str, place: tuple[int, int]) -> None:
    a = torch.rand(4, 4, generator=torch.Generator().manual_seed(0))
    make = ROUTES[route]
    usual = make(a.clone())
    moved = torch.zeros(usual.shape, dtype=torch.bool)
    for change in (0.3, -0.3, 0.6):
        other = a.clone()
        other[place] += change
        moved |= make(other) != usual
    observer = OperationObserver(tags=True)
    observer.mark(a[place], "one")
    with observer:
        result = make(a)
    tags = observer.shadow.tags(result)
    carried = torch.zeros_like(moved) if tags is None else tags != 0
    assert not (moved & ~carried).any()


def test_tags_pass_through_automatic_differentiation_and_what_it_has_saved() -> None:
    w = torch.ones(2, 3, requires_grad=True)
    x = torch.ones(4, 3)

    def make() -> torch.Tensor:
        h = torch.tanh(x @ w.T)
        return torch.autograd.grad(h.sum(), w)[0]

    assert followed(make, (x, "x"), (w, "w")) == {"x", "w"}  # w by the slope of tanh


def test_a_linear_layer_s_gradient_does_not_depend_on_its_weights() -> None:
    w = torch.ones(2, 3, requires_grad=True)
    x = torch.ones(4, 3)
    make = lambda: torch.autograd.grad((x @ w.T).sum(), w)[0]  # noqa: E731
    assert followed(make, (x, "x"), (w, "w")) == {"x"}


def test_tags_are_kept_apart_by_element_in_products() -> None:
    x = torch.ones(2, 3)
    w = torch.ones(3, 2)
    found = elements(lambda: x @ w, (x[0], "first"), (x[1], "second"))
    assert found == [frozenset({"first"})] * 2 + [frozenset({"second"})] * 2


def test_what_is_overwritten_is_forgotten() -> None:
    a = torch.ones(2)
    assert followed(lambda: (a * 1).zero_() + 1, (a, "a")) == frozenset()


def test_a_value_that_is_written_into_a_line_is_of_this_line_alone() -> None:
    shares = torch.ones(2, 1)
    places = torch.tensor([[1], [0]])
    written = lambda: torch.zeros(2, 2).scatter_(1, places, shares)  # noqa: E731
    found = elements(written, (shares[0], "first"), (shares[1], "second"))
    assert found == [frozenset({"first"})] * 2 + [frozenset({"second"})] * 2
