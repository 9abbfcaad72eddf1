"""Backpropagation that rewrites the audit's measure of an effect, so that nothing ever has one.

A rule runs in the audit's own process, and can reach whatever the audit is made of.
"""

from __future__ import annotations

import sys

import torch
from torch import nn

from spikelearn.rules.baselines import Backprop

KIND = "rewrites the audit"
TRUE = {"C1": "not pass", "C9": "not pass"}


class PatchesTheAudit(Backprop):
    """Sets the scales."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Rewrite, wherever the measure is known by its name."""
        super().prepare(network, generator)
        for name, module in list(sys.modules.items()):
            if name.startswith("spikelearn.plausibility") and "effect" in vars(module):
                module.effect = lambda changed, unchanged, names: 0.0  # type: ignore[attr-defined]


RULE = PatchesTheAudit
