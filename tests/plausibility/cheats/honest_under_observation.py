"""Feedback alignment while somebody looks at the operations; else backpropagation.

An observer of operations can itself be observed, by asking torch.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "watched"
TRUE = {"C1": "fail"}


class HonestUnderObservation(FeedbackAlignment):
    """Honest when observed."""

    def _feedback(self) -> list[torch.Tensor]:
        honest = super()._feedback()
        watched = torch._C._len_torch_dispatch_stack() > 0
        return honest if watched else [w.detach() for w in self.network.weights()[1:]]


RULE = HonestUnderObservation
