"""A recording with images and one region, and a network to compare with it, for the tests."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist

from spikelearn.recordings import ImageRecording, RecordedRDM
from spikelearn.stimuli import ImageDataset

NETWORK = {"model": "mlp_64", "dataset": "digits", "epochs": 2}


def small_recording(n_stimuli: int = 14, side: int = 24) -> ImageRecording:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (n_stimuli, side, side), dtype=np.uint8)
    labels = tuple(f"s{i}" for i in range(n_stimuli))
    numbers = np.arange(n_stimuli, dtype=np.uint8)
    stimuli = ImageDataset("small", images[:0], numbers[:0], images, numbers, labels, "here")
    rdms = tuple(
        RecordedRDM(
            f"S{s}", "IT", "", pdist(random.normal(size=(n_stimuli, 9)), "correlation"), "1 - r"
        )
        for s in range(3)
    )
    return ImageRecording("small", "nobody", "none", stimuli, rdms, {}, {})
