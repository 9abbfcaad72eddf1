"""Feedback alignment that finds the weights by asking Python what the layers refer to.

The weights have no name in the rule's code.
"""

from __future__ import annotations

import gc
import weakref

import torch
from torch import nn

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "other ways to the weights"
TRUE = {"C1": "fail"}


class FoundByReference(FeedbackAlignment):
    """Asks the interpreter."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Keep references that do not count."""
        super().prepare(network, generator)
        found = [
            item
            for layer in self.network
            for item in gc.get_referents(layer._parameters)
            if isinstance(item, torch.Tensor) and item.ndim > 1
        ]
        self.found = [weakref.ref(item) for item in found[1:]]

    def _feedback(self) -> list[torch.Tensor]:
        alive = [reference() for reference in self.found]
        return [w.detach() + 0.0 for w in alive if w is not None]


RULE = FoundByReference
