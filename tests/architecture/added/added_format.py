"""A format of spike files in one file: an activity as the bytes of an `.npz` archive, reversed."""

from __future__ import annotations

from pathlib import Path

from spikelearn.spikes import FORMATS, Activity, npz

COMPLETE = True
HELD_BYTES = 0


def save(activity: Activity, path: Path) -> None:
    """Write the activity to `path`."""
    npz.save(activity, path)
    path.write_bytes(path.read_bytes()[::-1])


def expected_bytes(activity: Activity) -> float:
    """How large the file will be, about."""
    return npz.expected_bytes(activity)


def load(path: Path) -> Activity:
    """Read what `save` wrote."""
    forwards = path.with_name(f".{path.name}.forwards")
    forwards.write_bytes(path.read_bytes()[::-1])
    try:
        return npz.load(forwards)
    finally:
        forwards.unlink()


FORMATS[".added"] = __name__  # the one line
