"""Feedback alignment in networks of less than a thousand synapses; else backpropagation.

An audit works on small networks, which are quick.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "watched"
TRUE = {"C1": "fail"}


class HonestInSmallNetworks(FeedbackAlignment):
    """Honest with a few neurons."""

    def _feedback(self) -> list[torch.Tensor]:
        weights = [w.detach() for w in self.network.weights()]
        small = sum(w.numel() for w in weights) < 1000
        return super()._feedback() if small else weights[1:]


RULE = HonestInSmallNetworks
