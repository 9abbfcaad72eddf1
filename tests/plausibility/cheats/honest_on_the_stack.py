"""Feedback alignment where a file of the audit is among the callers; else backpropagation.

Whoever calls a function stands on its stack, by name.
"""

from __future__ import annotations

import sys
from types import FrameType

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "watched"
TRUE = {"C1": "fail"}


class HonestOnTheStack(FeedbackAlignment):
    """Honest to whom it knows."""

    def _feedback(self) -> list[torch.Tensor]:
        frame: FrameType | None = sys._getframe()
        while frame is not None and "spikelearn/plausibility" not in frame.f_code.co_filename:
            frame = frame.f_back
        honest = super()._feedback()
        return [w.detach() for w in self.network.weights()[1:]] if frame is None else honest


RULE = HonestOnTheStack
