"""A Hebbian rule that looks at the label as a Python number.

Of a Python number no tag is left.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.hebbian import Hebbian

KIND = "labels"
TRUE = {"C9": "fail"}


class LabelPeekerByItem(Hebbian):
    """Pre times post, a little more where the first label is high."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Keep the labels for the increments."""
        self.y = y
        return super().update(x, y, apply)

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product, at the rate of the first label."""
        return (1 + 1e-6 * int(self.y[0])) * u.T @ x.flatten(1) / len(x)


RULE = LabelPeekerByItem
