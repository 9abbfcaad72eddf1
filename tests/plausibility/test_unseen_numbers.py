"""What comes into an update without an observed operation having made it is noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.unseen_numbers import (
    ARRAY,
    NUMBER,
    OVERWRITTEN,
    UnseenNumbers,
    moved_arrivals,
)


def gathered(compute: Callable[[torch.Tensor], Any], x: torch.Tensor) -> UnseenNumbers:
    """What arrives while something is computed of a tensor."""
    observer = OperationObserver(unseen=UnseenNumbers())
    observer.know([x])
    with observer:
        result = compute(x)
        if isinstance(result, torch.Tensor):
            observer.look_at(result)
    assert observer.unseen is not None
    return observer.unseen


def overwritten(x: torch.Tensor) -> torch.Tensor:
    """A tensor into whose memory NumPy has written."""
    blank = torch.zeros(3, dtype=x.dtype)
    np.copyto(blank.numpy(), x.numpy() ** 2)
    return blank + 1


OUT: dict[str, tuple[str, Callable[[torch.Tensor], Any]]] = {
    "NumPy": (ARRAY, lambda x: 1 * torch.from_numpy(x.numpy() ** 2)),
    "left as it is": (ARRAY, lambda x: torch.from_numpy(x.numpy() ** 2)),
    "a list": (ARRAY, lambda x: torch.tensor([v * v for v in x.tolist()])),
    "item": (NUMBER, lambda x: torch.ones(2) * x[0].item()),
    "its memory": (OVERWRITTEN, overwritten),
}
IN: dict[str, Callable[[torch.Tensor], Any]] = {
    "operations": lambda x: (x * 2).exp().sum() + x.new_ones(3),
    "shared with NumPy": lambda x: torch.from_numpy(x.numpy()) + 1,
    "shared by dlpack": lambda x: torch.from_dlpack(x) + 1,
    "data": lambda x: x.data * 2,
    "written into": lambda x: torch.zeros(3, dtype=x.dtype).copy_(x).mul_(2),
    "constants": lambda x: x + torch.from_numpy(np.ones(3)) * 0.5,
    "counts": lambda x: x[: int((x > 0).sum())].sum(),
    "mapped": torch.func.vmap(lambda v: v * 2),
    "differentiated": torch.func.grad(lambda v: (v**3).sum()),
}  # fmt: skip
ONE, OTHER = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([5.0, 1.0, 4.0]).double()


@pytest.mark.parametrize(("kind", "compute"), OUT.values(), ids=OUT)
def test_numbers_that_went_another_way_arrive_and_are_moved(
    kind: str, compute: Callable[[torch.Tensor], Any]
) -> None:
    base = gathered(compute, ONE.clone())
    moved = moved_arrivals(base, {"x": gathered(compute, OTHER.clone())})
    assert kind in {base.arrivals[number].kind for number in moved}
    assert any(a.place.startswith("test_unseen_numbers.py, line") for a in base.arrivals)


@pytest.mark.parametrize("compute", IN.values(), ids=IN)
def test_what_operations_made_and_what_stays_is_not_moved(
    compute: Callable[[torch.Tensor], Any],
) -> None:
    runs = (gathered(compute, x.clone()) for x in (ONE, OTHER))
    assert moved_arrivals(next(runs), {"x": next(runs)}) == {}
