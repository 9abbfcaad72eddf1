"""A Hebbian rule that learns faster where the loss is high.

No label enters a product; one number does, in which all labels are.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.hebbian import Hebbian
from spikelearn.rules.rule import output_loss

KIND = "labels"
TRUE = {"C9": "fail"}


class GatedByLoss(Hebbian):
    """Interested in its mistakes."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Look at the loss, then Hebb's rule."""
        with torch.no_grad():
            self.rate = float(output_loss("cross_entropy", self.network(x), y)[0])
        return super().update(x, y, apply)

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product at the rate of the loss."""
        return self.rate * u.T @ x.flatten(1) / len(x)


RULE = GatedByLoss
