"""Tags go where numbers go, through torch's operations."""

from __future__ import annotations

import torch
from tags import elements, followed


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
