"""Responses from the spikes and events of any file that Neo reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.recordings._measurements import RecordedResponses
from spikelearn.recordings._trials import counts_in_windows, shown_stimuli, stacked_repeats

if TYPE_CHECKING:
    from spikelearn.recordings.user_schema import NeoFile


def read_neo(entry: NeoFile, root: Path, labels: list[str]) -> list[RecordedResponses]:
    """Spikes/s in the window of each presentation.

    A presentation is an epoch or event whose label is a stimulus, or, in files where none is, a
    segment whose annotation `stimulus` or name is one.

    Parameters
    ----------
    entry : NeoFile
        What to read, and of whom.
    root : Path
        Folder that its paths are relative to.
    labels : list of str
        The stimuli in their order.

    Raises
    ------
    SpikelearnError
        If Neo cannot read the file, segments differ in their number of trains, or a stimulus was
        never shown.
    """
    path = root / entry.file
    if not path.exists():
        raise SpikelearnError(f"there is no file {path}")
    segments = [segment for block in _blocks(path) for segment in block.segments]
    sizes = {len(segment.spiketrains) for segment in segments} - {0}
    if len(sizes) != 1:
        numbers = "none" if not sizes else " and ".join(map(str, sorted(sizes)))
        raise SpikelearnError(
            f"{path} must hold the same number of spike trains in each segment, found {numbers}"
        )
    segments = [segment for segment in segments if len(segment.spiketrains)]
    first, last = (t / 1000.0 for t in entry.window_ms)
    names, counts = [], []
    for segment in segments:
        its_names, starts_s = _presentations(segment, entry, set(labels))
        trains = [np.sort(_seconds(train)) for train in segment.spiketrains]
        names += its_names
        counts.append(counts_in_windows(trains, starts_s + first, last - first))
    which = shown_stimuli(names, labels, path)
    rates = np.concatenate(counts) / (last - first)
    shown = which >= 0
    trains = segments[0].spiketrains
    unit = f"spikes/s from {entry.window_ms[0]:g} to {entry.window_ms[1]:g} ms"
    return [
        RecordedResponses(
            entry.subject,
            entry.region,
            entry.session,
            stacked_repeats(rates[shown], which[shown], len(labels)),
            unit,
            tuple(str(train.name or i) for i, train in enumerate(trains)),
        )
    ]


def _blocks(path: Path) -> list[Any]:
    import neo

    try:
        reader = neo.io.get_io(str(path))
    except Exception as error:  # Neo raises many kinds where it knows no reader
        raise SpikelearnError(f"Neo knows no reader of {path}") from error
    if isinstance(reader, neo.io.PickleIO):
        raise SpikelearnError(f"{path} is a pickle, which could run anything; convert it first")
    try:
        blocks: list[Any] = reader.read()
    except Exception as error:
        raise SpikelearnError(f"Neo cannot read {path} ({type(error).__name__})") from error
    finally:
        close = getattr(reader, "close", None)
        if close is not None:
            close()
    return blocks


def _presentations(segment: Any, entry: NeoFile, labels: set[str]) -> tuple[list[str], np.ndarray]:
    """Names of what was shown, and when it began in s."""
    names: list[str] = []
    starts: list[float] = []
    for events in (*segment.epochs, *segment.events):
        if entry.events is not None and events.name != entry.events:
            continue
        its = [str(label) for label in events.labels]
        if entry.events is None and not any(Path(name).stem in labels for name in its):
            continue
        names += its
        starts += _seconds(events).tolist()
    if not names:
        names = [str(segment.annotations.get("stimulus", segment.name))]
        starts = [min(float(train.t_start.rescale("s")) for train in segment.spiketrains)]
    return names, np.array(starts)


def _seconds(times: Any) -> np.ndarray:
    loaded = times.load() if hasattr(times, "load") else times
    result: np.ndarray = np.asarray(loaded.times.rescale("s").magnitude, dtype=np.float64)
    return result
