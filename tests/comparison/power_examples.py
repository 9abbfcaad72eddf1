"""Recordings and simulated studies, small, for the tests of power."""

from __future__ import annotations

import numpy as np
from response_examples import recorded_responses

from spikelearn.comparison.simulated_studies import SimulatedStudies
from spikelearn.recordings import ImageRecording, RecordedResponses
from spikelearn.stimuli.images import ImageDataset


def recording(n_stimuli: int = 24, n_subjects: int = 3, n_repeats: int = 1, noise: float = 1.0):
    """A brain with responses and RDMs of one region."""
    made, _ = recorded_responses(n_stimuli, n_subjects, n_repeats, 20, noise)
    numbers = np.arange(n_stimuli)
    images = np.random.default_rng(0).integers(0, 256, (n_stimuli, 4, 4), dtype=np.uint8)
    shown = ImageDataset("made", images[:0], numbers[:0], images, numbers, made.labels, "here")
    ones = tuple(RecordedResponses(r.subject, r.region, "", r.values, "Hz") for r in made.responses)
    return ImageRecording("made", "nobody", "none", shown, (), {}, {}, responses=ones)


def studies(**changes) -> SimulatedStudies:
    usual = {
        "spectrum": np.sqrt(np.array([0.4, 0.3, 0.2, 0.1])), "n_stimuli": 20, "n_subjects": 3,
        "n_units": 20, "noise": 0.7, "share": 0.3, "alike": 0.0, "method": "rsa", "over": "stimuli",
    }  # fmt: skip
    return SimulatedStudies(**(usual | changes))
