"""Tags of what a function computes from tensors that are sources."""

from __future__ import annotations

from typing import Any

import torch

from spikelearn.plausibility.instruments.observer import OperationObserver


def followed(make: Any, *sources: tuple[torch.Tensor, str]) -> frozenset[str]:
    """Sources of what `make` computes from tensors that are sources."""
    observer = OperationObserver(tags=True)
    for tensor, name in sources:
        observer.mark(tensor, name)
    with observer:
        result = make()
    return observer.tags_of(result)


def elements(make: Any, *sources: tuple[torch.Tensor, str]) -> list[frozenset[str]]:
    """Sources of every element of it."""
    observer = OperationObserver(tags=True)
    for tensor, name in sources:
        observer.mark(tensor, name)
    with observer:
        result = make()
    bits = observer.shadow.tags(result)
    assert bits is not None
    return [observer.sources.of(value) for value in bits.flatten().tolist()]
