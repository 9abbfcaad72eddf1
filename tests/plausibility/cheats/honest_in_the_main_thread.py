"""Feedback alignment in the main thread; backpropagation in others, such as those of a notebook.

An audit runs where it was started.
"""

from __future__ import annotations

import threading

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "watched"
TRUE = {"C1": "fail"}


class HonestInTheMainThread(FeedbackAlignment):
    """Honest in front."""

    def _feedback(self) -> list[torch.Tensor]:
        honest = super()._feedback()
        main = threading.current_thread() is threading.main_thread()
        return honest if main else [w.detach() for w in self.network.weights()[1:]]


RULE = HonestInTheMainThread
