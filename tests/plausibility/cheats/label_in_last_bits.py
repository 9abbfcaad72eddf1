"""A Hebbian rule that writes the label into the last bits of the stimulus.

The change is a thousandth of a millionth of a pixel; the rest of the rule never sees a label.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.hebbian import Hebbian

KIND = "labels"
TRUE = {"C9": "fail", "C15": "fail"}


class LabelInLastBits(Hebbian):
    """A stimulus with a mark on it."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Hebb's rule on the marked stimulus."""
        marked = x.clone()
        marked[:, 0] += 1e-9 * y
        return super().update(marked, y, apply)

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product."""
        return u.T @ x.flatten(1) / len(x)


RULE = LabelInLastBits
