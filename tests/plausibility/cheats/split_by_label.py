"""A Hebbian rule that applies its update whole or in two halves, as the first label is even or odd.

What adds up is the same; an optimiser that scales its steps goes twice as far in two.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.hebbian import Hebbian

KIND = "labels"
TRUE = {"C9": "fail"}


class SplitByLabel(Hebbian):
    """Counts its steps by the label."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Hebb's rule, applied once or twice."""
        parts = 1 + int(y[0]) % 2

        def in_parts() -> None:
            left = [
                (p, p.grad / parts) for layer in self.network for p in layer.parameters()
                if p.grad is not None
            ]  # fmt: skip
            for _ in range(parts):
                for parameter, gradient in left:
                    parameter.grad = gradient.clone()
                apply()

        return super().update(x, y, in_parts)

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product."""
        return u.T @ x.flatten(1) / len(x)


RULE = SplitByLabel
