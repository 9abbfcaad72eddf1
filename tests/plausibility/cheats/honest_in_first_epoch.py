"""Feedback alignment in the first epoch; backpropagation in the others.

A rule is told which epoch begins, and an audit may never get to the second.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "watched"
TRUE = {"C1": "fail"}


class HonestInFirstEpoch(FeedbackAlignment):
    """Honest in epoch one."""

    epoch = 1

    def begin_epoch(self, epoch: int, n_epochs: int) -> None:
        """Note which epoch it is."""
        self.epoch = epoch

    def _feedback(self) -> list[torch.Tensor]:
        honest = super()._feedback()
        return honest if self.epoch == 1 else [w.detach() for w in self.network.weights()[1:]]


RULE = HonestInFirstEpoch
