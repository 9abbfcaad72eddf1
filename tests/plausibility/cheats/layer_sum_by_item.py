"""A Hebbian rule whose rate is the activity of the whole layer, read as a Python number.

Each product is that of a synapse's two ends; the rate in front of it knows everybody.
"""

from __future__ import annotations

import torch

from spikelearn.rules.hebbian import Hebbian

KIND = "locality"
TRUE = {"C2": "not pass"}


class LayerSumByItem(Hebbian):
    """A rate that knows the layer."""

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product at the layer's rate."""
        return (1.0 + 1e-3 * float(u.sum())) * u.T @ x.flatten(1) / len(x)


RULE = LayerSumByItem
