"""Backpropagation in a network that was put in the place of the one that was given.

What the rule was handed is left as it is; what it trains is a copy that it made.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from spikelearn.rules.baselines import Backprop

KIND = "other ways to the weights"
TRUE = {"C1": "fail", "C9": "fail"}


class AnotherNetwork(Backprop):
    """Exchanges the patient."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Take a copy, and work on that."""
        super().prepare(copy.deepcopy(network), generator)


RULE = AnotherNetwork
