"""Backpropagation that reads the weights through the synapses.

Single units are made active one by one, and what arrives above is the weights. A read that goes
forwards, as activity does, is what an audit leaves in peace.
"""

from __future__ import annotations

import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "through the synapses"
TRUE = {"C1": "fail", "C15": "fail"}


class ReadThroughSynapses(FeedbackAlignment):
    """The identity, sent upwards."""

    @torch.no_grad()
    def _feedback(self) -> list[torch.Tensor]:
        return [
            layer.through(layer.weight, torch.eye(layer.fan_in, dtype=layer.weight.dtype)).T
            for layer in list(self.network)[1:]
        ]


RULE = ReadThroughSynapses
