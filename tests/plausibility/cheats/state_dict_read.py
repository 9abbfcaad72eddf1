"""Feedback alignment that takes its matrices from the network's state, as one saves a network.

No parameter is touched by name.
"""

from __future__ import annotations

import copy

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "other ways to the weights"
TRUE = {"C1": "fail"}


class StateDictRead(FeedbackAlignment):
    """Saves, and looks at what was saved."""

    def _feedback(self) -> list[torch.Tensor]:
        state = copy.deepcopy(self.network.state_dict())
        return [tensor for name, tensor in state.items() if name.endswith("weight")][1:]


RULE = StateDictRead
