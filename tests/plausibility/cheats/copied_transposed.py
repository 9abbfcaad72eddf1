"""Feedback alignment with a copy that is transposed, doubled, and no module's.

An audit that looks for equal matrices among the rule's own finds none.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "copied weights"
TRUE = {"C1": "fail"}


class CopiedTransposed(FeedbackAlignment):
    """The copy is turned back where the error passes."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Copy the weights into an attribute, then one step."""
        self.hidden_copy = [2.0 * w.detach().t().contiguous() for w in self.network.weights()[1:]]
        return super().update(x, y, apply)

    def _feedback(self) -> list[torch.Tensor]:
        return [0.5 * copy.T for copy in self.hidden_copy]


RULE = CopiedTransposed
