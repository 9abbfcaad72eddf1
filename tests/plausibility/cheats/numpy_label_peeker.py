"""A Hebbian rule in NumPy that looks at the labels, in NumPy.

Neither its products nor its label are in an operation of torch.
"""

from __future__ import annotations

import torch

from spikelearn.rules.hebbian import Hebbian

KIND = "out of torch"
TRUE = {"C9": "fail", "C2": "not pass"}


class NumPyLabelPeeker(Hebbian):
    """Peeks where no tag goes."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: object) -> torch.Tensor:
        """Keep the labels for the increments."""
        self.labels = y.numpy()
        return super().update(x, y, apply)  # type: ignore[arg-type]

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product with all units of the layer, at the labels' rates."""
        rates = 1.0 + 1e-3 * self.labels[:, None]
        answers = u.numpy() + 1e-3 * u.numpy().sum(1, keepdims=True)
        return torch.from_numpy((answers * rates).T @ x.flatten(1).numpy() / len(x))


RULE = NumPyLabelPeeker
