"""Feedback alignment that writes the weights to a file, and reads its feedback from one.

Between the two lies a disk.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

from spikelearn.rules.feedback_alignment import FeedbackAlignment

KIND = "out of torch"
TRUE = {"C1": "fail"}


class SavedToDisk(FeedbackAlignment):
    """Remembers on paper."""

    def _feedback(self) -> list[torch.Tensor]:
        read = []
        with tempfile.TemporaryDirectory() as folder:
            for index, weight in enumerate(self.network.weights()[1:]):
                np.save(Path(folder) / f"{index}.npy", weight.detach().numpy())
                read.append(torch.from_numpy(np.load(Path(folder) / f"{index}.npy")))
        return read


RULE = SavedToDisk
