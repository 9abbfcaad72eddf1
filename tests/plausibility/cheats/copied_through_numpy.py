"""Feedback alignment whose copy leaves torch, and comes back as other numbers.

No tag of the weights is left on what comes back from NumPy.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "out of torch"
TRUE = {"C1": "fail"}


class CopiedThroughNumPy(FeedbackAlignment):
    """Out by `.numpy()`, back by `from_numpy`."""

    def _feedback(self) -> list[torch.Tensor]:
        return [torch.from_numpy(w.detach().numpy().copy() * 1.0)
                for w in self.network.weights()[1:]]  # fmt: skip


RULE = CopiedThroughNumPy
