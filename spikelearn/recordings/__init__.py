"""Recorded brain activity, with the very stimuli that were shown.

`RECORDINGS` lists what there is; `load(name)` reads it. To add a recording, write its file with a
function `load(progressbar)` and add its line here.
"""

from __future__ import annotations

import importlib

from spikelearn._errors import SpikelearnError
from spikelearn.recordings._recording import (
    AuditoryRecording,
    ImageRecording,
    RecordedRDM,
    Sound,
)

__all__ = [
    "RECORDINGS",
    "AuditoryRecording",
    "ImageRecording",
    "RecordedRDM",
    "Sound",
    "load",
]

# Name -> one line. The module of a recording has its name.
RECORDINGS: dict[str, str] = {
    "kriegeskorte92": (
        "92 object images in human (fMRI, 4 subjects) and monkey (674 neurons) inferior temporal"
        " cortex, as RDMs (Kriegeskorte et al. 2008); downloaded on first use, 4 MB"
    ),
    "grasshopper": (
        "two 10 s sounds and the spikes of a grasshopper auditory receptor"
        " (Rokem et al. 2006); comes with nitime, no download"
    ),
}


def load(name: str, progressbar: bool = False) -> ImageRecording | AuditoryRecording:
    """A recording by name.

    Parameters
    ----------
    name : str
        One of `RECORDINGS`.
    progressbar : bool
        Whether to show the progress of a download.

    Raises
    ------
    SpikelearnError
        If there is no recording of that name; the message lists those there are.
    DataUnavailableError
        If its files are neither at hand nor downloadable; the message says how to supply them.
    """
    if name not in RECORDINGS:
        raise SpikelearnError(
            f"there is no recording called '{name}'; recordings are {', '.join(RECORDINGS)}"
        )
    recording: ImageRecording | AuditoryRecording = importlib.import_module(
        f"spikelearn.recordings.{name}"
    ).load(progressbar)
    return recording
