"""A Hebbian rule that learns a millionth more for some labels than for others.

An audit with a tolerance takes a millionth for rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.hebbian import Hebbian

KIND = "labels"
TRUE = {"C9": "fail"}


class LabelPeeker(Hebbian):
    """Pre times post, times the label's rate."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Keep the labels for the increments."""
        self.y = y
        return super().update(x, y, apply)

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product, each sample at its label's rate."""
        rate = 1 + 1e-6 * self.y.to(x.dtype)
        return (u * rate[:, None]).T @ x.flatten(1) / len(x)


RULE = LabelPeeker
