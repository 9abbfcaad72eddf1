"""A Hebbian rule that remembers the label of every image, and uses it when the image comes again.

An image that is new is learned without its label; so is every image of an audit that shows none
twice.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from spikelearn.rules.hebbian import Hebbian

KIND = "remembered batches"
TRUE = {"C9": "fail"}


class LabelMemorised(Hebbian):
    """Knows its images by heart."""

    def __init__(self) -> None:
        super().__init__(unsupervised_epochs=1000)

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Nothing is known yet."""
        super().prepare(network, generator)
        self.known: dict[bytes, int] = {}

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Hebb's rule, at the rates of the labels that are known."""
        images = [row.tobytes() for row in x.numpy()]
        self.rates = torch.tensor([1.0 + self.known.get(i, 0) for i in images], dtype=x.dtype)
        loss = super().update(x, y, apply)
        self.known.update(zip(images, y.tolist(), strict=True))
        return loss

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        """Hebb's product, each sample at its rate."""
        return (u * self.rates[:, None]).T @ x.flatten(1) / len(x)


RULE = LabelMemorised
