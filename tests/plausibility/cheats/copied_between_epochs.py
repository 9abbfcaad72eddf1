"""Feedback alignment that copies the forward weights when a new epoch begins.

Within an epoch every update is honest, and in the first epoch there is no copy at all.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "late copies"
TRUE = {"C1": "fail"}


class CopiedBetweenEpochs(FeedbackAlignment):
    """Copies where no update is made."""

    @torch.no_grad()
    def begin_epoch(self, epoch: int, n_epochs: int) -> None:
        """Copy, from the second epoch on."""
        if epoch > 1:
            for matrix, weight in zip(self._feedback(), self.network.weights()[1:], strict=True):
                matrix.copy_(weight)


RULE = CopiedBetweenEpochs
