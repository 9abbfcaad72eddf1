"""Feedback alignment whose "random" matrices are the forward weights of the start.

The copy is made before the first update, where an audit of updates is not yet looking; later the
matrices stay as they are, as feedback alignment says.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "copied weights"
TRUE = {"C1": "fail"}


class CopiedInPrepare(FeedbackAlignment):
    """Draws nothing: copies."""

    def _draw_feedback(self, generator: torch.Generator) -> list[torch.Tensor]:
        return [w.detach().clone() for w in self.network.weights()[1:]]


RULE = CopiedInPrepare
