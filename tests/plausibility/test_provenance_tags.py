"""The first instrument: what tags mean to the audit."""

from __future__ import annotations

import torch
from tags import followed

from spikelearn.plausibility.instruments.observer import OperationObserver


def test_what_leaves_torch_is_written_down() -> None:
    observer, a = OperationObserver(tags=True), torch.ones(1)
    observer.mark(a, "a")
    with observer:
        float(a)
    assert observer.tracking.taken_out == [frozenset({"a"})]


def test_random_numbers_are_a_source() -> None:
    generator = torch.Generator()
    assert followed(lambda: torch.rand(3, generator=generator) * 2) == {"noise"}
