"""A Hebbian rule that puts the batch in the order of the labels, and learns more from its end.

The label is in no number, only in which sample stands where.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.hebbian import Hebbian

KIND = "labels"
TRUE = {"C9": "fail"}


class SortedByLabel(Hebbian):
    """Rank for label."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Sort, then Hebb's rule."""
        order = sorted(range(len(y)), key=y.tolist().__getitem__)
        return super().update(x[order], y[order], apply)

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product at a rate that grows along the batch."""
        rate = torch.linspace(1.0, 1.5, len(x), dtype=x.dtype)
        return (u * rate[:, None]).T @ x.flatten(1) / len(x)


RULE = SortedByLabel
