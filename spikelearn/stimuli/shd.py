"""Spiking Heidelberg Digits (Cramer et al. 2022, doi:10.1109/TNNLS.2020.3044364).

Spoken digits in English and German through a model of the inner ear: 700 channels, 20 classes,
8,156 training and 2,264 test recordings of about a second. Two HDF5 files, each with
`spikes/times` (seconds) and `spikes/units`, an array a recording, and `labels`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._files import cache_folder, local_data
from spikelearn.stimuli.events import EventDataset, EventPart

_ADDRESS = "https://zenkelab.org/datasets/"
_FILES = ("shd_train.h5", "shd_test.h5")
N_CHANNELS = 700
_DTYPE = np.dtype([("t", np.int64), ("x", np.int64), ("p", np.int64)])
_DIGITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "null", "eins", "zwei", "drei", "vier", "fuenf", "sechs", "sieben", "acht", "neun",
)  # fmt: skip


def at_hand() -> bool:
    """Whether both files are in `SPIKELEARN_DATA` or in the cache."""
    return all(local_data(f"shd/{name}") for name in _FILES)


def files() -> dict[str, Path]:
    """The files that are read, by name.

    Raises
    ------
    DataUnavailableError
        If one is not at hand.
    """
    return {name: _path(name) for name in _FILES}


def load() -> EventDataset:
    """Training and test recordings, read one by one when they are asked for.

    Raises
    ------
    DataUnavailableError
        If a file is not at hand.
    SpikelearnError
        If a file does not hold what it should.
    """
    train, test = (_part(name) for name in _FILES)
    return EventDataset("shd", train, test, _DIGITS, "Spiking Heidelberg Digits")


def _path(name: str) -> Path:
    path = local_data(f"shd/{name}")
    if path is None:
        raise DataUnavailableError(
            f"{name} is not at hand; download {name}.zip from {_ADDRESS}, unpack it, and place the"
            f" file at {cache_folder() / 'shd' / name}, or in a folder named by the environment"
            f" variable SPIKELEARN_DATA as shd/{name}"
        )
    return path


def _part(name: str) -> EventPart:
    path = _path(name)
    file = _open(path)
    times, units = file["spikes/times"], file["spikes/units"]
    labels = np.asarray(file["labels"]).astype(np.int64)
    if not len(times) == len(units) == len(labels):
        raise SpikelearnError(
            f"{path}: spikes/times, spikes/units and labels must be of one length, found"
            f" {len(times)}, {len(units)} and {len(labels)}"
        )

    def read(index: int) -> np.ndarray:
        seconds, channels = np.asarray(times[index], np.float64), np.asarray(units[index])
        if seconds.shape != channels.shape or (channels >= N_CHANNELS).any():
            raise SpikelearnError(
                f"{path}: recording {index} must have one unit below {N_CHANNELS} for each time"
            )
        events = np.empty(len(seconds), _DTYPE)
        events["t"], events["x"], events["p"] = np.rint(seconds * 1e6), channels, 1
        return events

    return EventPart(labels, (N_CHANNELS, 1, 1), read)


def _open(path: Path) -> Any:
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise SpikelearnError(f"{path} is not an HDF5 file; unpack the archive first") from error
    for key in ("spikes/times", "spikes/units", "labels"):
        if key not in file:
            raise SpikelearnError(f"{path}: there is no '{key}', which the published file has")
    return file
