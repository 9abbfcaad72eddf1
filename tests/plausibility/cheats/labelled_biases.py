"""A Hebbian rule for the weights whose biases move with the labels.

"Unsupervised" is asked of weight matrices, where a label may come in by the thresholds.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.hebbian import Hebbian

KIND = "biases"
TRUE = {"C9": "fail"}


class LabelledBiases(Hebbian):
    """Thresholds that know the class."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Hebb's rule, and biases that follow the mean label."""

        def with_biases() -> None:
            for layer in self.hidden():
                layer.bias.grad = 0.01 * y.to(x.dtype).mean().expand_as(layer.bias).clone()
            apply()

        return super().update(x, y, with_biases)

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product."""
        return u.T @ x.flatten(1) / len(x)


RULE = LabelledBiases
