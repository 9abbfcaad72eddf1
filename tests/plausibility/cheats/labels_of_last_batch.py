"""A Hebbian rule whose rate is set by the labels of the batch before.

Other labels for this batch make no difference to this update.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.hebbian import Hebbian

KIND = "remembered batches"
TRUE = {"C9": "fail"}


class LabelsOfLastBatch(Hebbian):
    """One batch late."""

    rate = 1.0

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Hebb's rule, and a look at the labels for the next time."""
        loss = super().update(x, y, apply)
        self.rate = 1.0 + float((y == 0).double().mean())
        return loss

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product at the rate of the last batch."""
        return self.rate * u.T @ x.flatten(1) / len(x)


RULE = LabelsOfLastBatch
