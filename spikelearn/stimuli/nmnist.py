"""N-MNIST (Orchard et al. 2015, doi:10.3389/fnins.2015.00437).

MNIST digits before an event camera that makes three small movements of about 100 ms each: 34 x 34
pixels that say where it became brighter (polarity 1) or darker (0); 60,000 training and 10,000 test
recordings. A file each, in a folder for each digit; five bytes an event: x, y, and 24 bits of which
the first is the polarity and the others the time in microseconds. An event in row 240 is none: it
says that the clock ran over, and that 8192 microseconds belong on all times from there on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._files import cache_folder, local_folder
from spikelearn.stimuli.events import EventDataset, EventPart

_ADDRESS = "https://www.garrickorchard.com/datasets/n-mnist"
_PARTS = ("Train", "Test")
SIDE = 34
_BYTES = 5
_OVERFLOW_ROW, _OVERFLOW_US = 240, 1 << 13
_DTYPE = np.dtype([("x", np.int64), ("y", np.int64), ("t", np.int64), ("p", np.int64)])


def at_hand() -> bool:
    """Whether both folders are in `SPIKELEARN_DATA` or in the cache."""
    return all(_folder(part) is not None for part in _PARTS)


def files() -> dict[str, Path]:
    """The files that are read, by part, digit and name.

    Raises
    ------
    DataUnavailableError
        If a folder is not at hand.
    """
    return {"/".join(path.parts[-3:]): path for part in _PARTS for path in _paths(part)}


def load() -> EventDataset:
    """Training and test recordings, read one by one when they are asked for.

    Raises
    ------
    DataUnavailableError
        If a folder is not at hand.
    SpikelearnError
        If it does not hold recordings.
    """
    train, test = (_part(part) for part in _PARTS)
    return EventDataset("nmnist", train, test, tuple("0123456789"), "N-MNIST")


def _folder(part: str) -> Path | None:
    return local_folder(f"nmnist/{part}")


def _paths(part: str) -> list[Path]:
    folder = _folder(part)
    if folder is None:
        raise DataUnavailableError(
            f"N-MNIST's {part} is not at hand; download {part}.zip from {_ADDRESS}, unpack it, and"
            f" place the folder at {cache_folder() / 'nmnist' / part}, or in a folder named by the"
            f" environment variable SPIKELEARN_DATA as nmnist/{part}"
        )
    paths = [p for digit in range(10) for p in sorted((folder / str(digit)).glob("*.bin"))]
    if not paths:
        raise SpikelearnError(f"{folder} must hold recordings as 0/*.bin to 9/*.bin, and has none")
    return paths


def _part(part: str) -> EventPart:
    paths = _paths(part)
    labels = np.array([int(path.parent.name) for path in paths], dtype=np.int64)
    return EventPart(labels, (SIDE, SIDE, 2), lambda index: read_events(paths[index]))


def read_events(path: Path) -> np.ndarray:
    """Events of a recording's file.

    Raises
    ------
    SpikelearnError
        If it is not such a file.
    """
    raw = np.fromfile(path, np.uint8)
    if len(raw) % _BYTES:
        raise SpikelearnError(
            f"{path}: an event has five bytes, but the file has {len(raw)}, which five do not"
            " divide; unpack the archive again"
        )
    x, y, high, middle, low = raw.reshape(-1, _BYTES).T.astype(np.int64)
    overflow = y == _OVERFLOW_ROW
    t = ((high & 127) << 16 | middle << 8 | low) + np.cumsum(overflow) * _OVERFLOW_US
    events = np.empty(len(raw) // _BYTES, _DTYPE)
    events["x"], events["y"], events["t"], events["p"] = x, y, t, high >> 7
    events = events[~overflow]
    if (events["x"] >= SIDE).any() or (events["y"] >= SIDE).any():
        raise SpikelearnError(f"{path}: an event lies outside the {SIDE} x {SIDE} pixels")
    return events
