"""Feedback alignment that reads the weights from memory, by their address.

No tensor is read: bytes are.
"""

from __future__ import annotations

import ctypes

import numpy as np
import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "out of torch"
TRUE = {"C1": "fail"}


class ReadByAddress(FeedbackAlignment):
    """Knows where the weights are."""

    def _feedback(self) -> list[torch.Tensor]:
        read = []
        for weight in self.network.weights()[1:]:
            octets = ctypes.string_at(weight.data_ptr(), weight.numel() * weight.element_size())
            kind = np.float64 if weight.dtype == torch.float64 else np.float32
            numbers = np.frombuffer(bytearray(octets), dtype=kind).reshape(weight.shape)
            read.append(torch.from_numpy(numbers))
        return read


RULE = ReadByAddress
