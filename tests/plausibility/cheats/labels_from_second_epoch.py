"""A Hebbian rule that looks at labels from its second epoch on.

In the first, which is what is looked at, the labels make no difference.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.hebbian import Hebbian

KIND = "watched"
TRUE = {"C9": "fail"}


class LabelsFromSecondEpoch(Hebbian):
    """Unsupervised for as long as it lasts."""

    def __init__(self) -> None:
        super().__init__(unsupervised_epochs=2)
        self.epoch = 1

    def begin_epoch(self, epoch: int, n_epochs: int) -> None:
        """Note which epoch it is."""
        super().begin_epoch(epoch, n_epochs)
        self.epoch = epoch

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Keep the labels for the increments."""
        self.y = y
        return super().update(x, y, apply)

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product; later, each sample at its label's rate."""
        rate = torch.ones_like(u[:, 0]) if self.epoch == 1 else 1.0 + self.y.to(x.dtype)
        return (u * rate[:, None]).T @ x.flatten(1) / len(x)


RULE = LabelsFromSecondEpoch
