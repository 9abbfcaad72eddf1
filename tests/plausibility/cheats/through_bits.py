"""Feedback alignment that carries the weights over as bits.

Numbers are looked at as integers, turned over twice, and looked at as numbers again.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "other ways to the weights"
TRUE = {"C1": "fail"}


class ThroughBits(FeedbackAlignment):
    """A change of type."""

    @torch.no_grad()
    def _feedback(self) -> list[torch.Tensor]:
        carried = []
        for weight in self.network.weights()[1:]:
            bits = weight.detach().view(
                torch.int64 if weight.dtype == torch.float64 else torch.int32
            )
            turned = torch.bitwise_not(bits)
            carried.append(torch.bitwise_not(turned).view(weight.dtype))
        return carried


RULE = ThroughBits
