"""Which way weights are read is seen, however it is written."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.shadow_memory import WeightOrigin
from spikelearn.plausibility.instruments.weight_reads import direction


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda w, h, d: h @ w.T, "forwards"),
        (lambda w, h, d: torch.nn.functional.linear(h, w), "forwards"),
        (lambda w, h, d: torch.einsum("bi,oi->bo", h, w), "forwards"),
        (lambda w, h, d: d @ w, "backwards"),
        (lambda w, h, d: (w.T @ d.T).T, "backwards"),
        (lambda w, h, d: d @ (2 * w.sign().contiguous()), "backwards"),
        (lambda w, h, d: torch.einsum("bo,oi->bi", d, w), "backwards"),
        (lambda w, h, d: (d[:, :, None] * w).sum(1), "backwards"),
        (lambda w, h, d: (h[:, None, :] * w).sum(2), "forwards"),
        (lambda w, h, d: torch.stack([w, w])[0].t().t().reshape(3, 4).clone() @ h.T, "forwards"),
    ],
)
def test_which_way_weights_are_read_is_seen_however_it_is_written(read: Any, expected: str) -> None:
    w, h, d = torch.rand(3, 4), torch.rand(5, 4), torch.rand(5, 3)
    observer = OperationObserver(keep_reads=True)
    observer.weights({"w": w}, network=True)
    with observer:
        read(w, h, d)
    assert {r.direction for r in observer.reads} == {expected}


@pytest.mark.parametrize("transposed", [False, True])
def test_which_way_kernels_are_read_is_seen(transposed: bool) -> None:
    w = torch.rand(3, 2, 3, 3)
    observer = OperationObserver(keep_reads=True)
    observer.weights({"w": w}, network=True)
    with observer:
        if transposed:
            torch.nn.functional.conv_transpose2d(torch.rand(1, 3, 4, 4), w)
        else:
            torch.nn.functional.conv2d(torch.rand(1, 2, 4, 4), w)
    assert [r.direction for r in observer.reads] == ["backwards" if transposed else "forwards"]


def test_a_single_unit_is_read_the_way_its_other_side_says() -> None:
    one_unit = WeightOrigin(torch.zeros(1, 4).long(), torch.arange(4)[None], frozenset("w"))
    assert direction(one_unit, 1) == "forwards"
    assert direction(one_unit, 0) == "backwards"
