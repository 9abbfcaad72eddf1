"""Responses from the spikes and events of any file that Neo reads.

A train is observed from its `t_start` to its `t_stop`, and a unit in the segments that have its
train; what was not observed is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._names import are_numbers, repeated, written_name
from spikelearn.recordings._measurements import RecordedResponses
from spikelearn.recordings._trials import counts_in_windows, observed_windows, stacked_repeats

if TYPE_CHECKING:
    from spikelearn.recordings._shown import ShownStimuli
    from spikelearn.recordings.user_schema import NeoFile

_SAME_TIME_S = 1e-6


@dataclass(frozen=True)
class _Named:
    """A segment, where it stands in the file, and a name for each of its trains.

    `by_place` says that these names are only the places of the trains.
    """

    segment: Any
    where: str
    unit_names: list[str]
    by_place: bool


def read_neo(entry: NeoFile, root: Path, stimuli: ShownStimuli) -> list[RecordedResponses]:
    """Spikes/s in the window of each presentation.

    A presentation is an epoch or event whose label is a stimulus, or, in files where none is, a
    segment whose annotation `stimulus` or name is one. Units are those of one name in all segments
    and blocks; trains without names are told apart by their place within a block.

    Parameters
    ----------
    entry : NeoFile
        What to read, and of whom.
    root : Path
        Folder that its paths are relative to.
    stimuli : ShownStimuli

    Raises
    ------
    SpikelearnError
        If Neo cannot read the file, units cannot be told apart, epochs and events contradict each
        other, or a stimulus was never shown.
    """
    path = root / entry.file
    if not path.exists():
        raise SpikelearnError(f"there is no file {path}")
    segments = _named_segments(_blocks(path), path, stimuli)
    _check_events(segments, entry, path)
    units = list(dict.fromkeys(name for one in segments for name in one.unit_names))
    numbered = are_numbers(units) or any(one.by_place for one in segments)
    column = {name: i for i, name in enumerate(units)}
    first, last = (t / 1000.0 for t in entry.window_ms)
    names: list[str] = []
    rates = []
    for one in segments:
        its_names, starts_s = _presentations(one, entry, path, stimuli)
        names += its_names
        its_rates = np.full((len(starts_s), len(units)), np.nan)
        for name, train in zip(one.unit_names, one.segment.spiketrains, strict=True):
            observed = [[_in_s(train.t_start), _in_s(train.t_stop)]]
            here = observed_windows(np.array(observed), starts_s + first, last - first)
            times = np.sort(_seconds(train))
            counts = counts_in_windows([times], starts_s[here] + first, last - first)
            its_rates[here, column[name]] = counts[:, 0] / (last - first)
        rates.append(its_rates)
    which = stimuli.presented(names, path)
    every = np.concatenate(rates)
    shown = which >= 0
    missing = float(np.isnan(every[shown]).mean())
    if missing:
        stimuli.note(f"{path}: {missing:.1%} of the responses were not observed and are missing")
    values, kept = stimuli.observed_units(
        stacked_repeats(every[shown], which[shown], len(stimuli)), units, f"{path}, {entry.region}"
    )
    unit = f"spikes/s from {entry.window_ms[0]:g} to {entry.window_ms[1]:g} ms"
    return [
        RecordedResponses(
            entry.subject, entry.region, entry.session, values, unit, kept, numbered=numbered
        )
    ]


def _named_segments(blocks: Sequence[Any], path: Path, stimuli: ShownStimuli) -> list[_Named]:
    """All segments that have trains, with the names of their units.

    Raises
    ------
    SpikelearnError
        If trains have no names of their own, and segments of a block differ in their number.
    """
    named = []
    for number, block in enumerate(blocks):
        segments = [segment for segment in block.segments if len(segment.spiketrains)]
        names = [[str(t.name or "").strip() for t in s.spiketrains] for s in segments]
        by_place = any(not all(its) or repeated(its) is not None for its in names)
        if by_place:
            sizes = sorted({len(its) for its in names})
            if len(sizes) > 1:
                raise SpikelearnError(
                    f"{path}: segments hold {sizes[0]} and {sizes[-1]} spike trains without names"
                    " of their own, so that units cannot be told apart; give each train its unit's"
                    " name"
                )
            stimuli.note(
                f"{path}: spike trains have no names of their own; a unit is told by its train's"
                " place in each segment"
            )
            prefix = f"block {number}: " if len(blocks) > 1 else ""
            names = [[f"{prefix}{place}" for place in range(len(its))] for its in names]
        for place, (segment, its) in enumerate(zip(segments, names, strict=True)):
            where = f"segment {segment.name or place}"
            named.append(_Named(segment, where, its, by_place))
    if not named:
        raise SpikelearnError(f"{path} must hold spike trains, found none")
    units = {name for one in named for name in one.unit_names}
    lacking = sum(len(one.unit_names) < len(units) for one in named)
    if lacking:
        stimuli.note(
            f"{path} names {counted(len(units), 'unit')}, of which {lacking} of {len(named)}"
            " segments lack some; these were not observed there"
        )
    return named


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


def _wanted(entry: NeoFile) -> tuple[str, ...] | None:
    return (entry.events,) if isinstance(entry.events, str) else entry.events


def _check_events(segments: Sequence[_Named], entry: NeoFile, path: Path) -> None:
    """Refuse names of epochs and events that no segment has."""
    lists = [its for one in segments for its in (*one.segment.epochs, *one.segment.events)]
    known = list(dict.fromkeys(str(its.name or "") for its in lists))
    for name in _wanted(entry) or ():
        if name not in known:
            raise SpikelearnError(
                f"{path} has no epochs or events '{name}', which `events` names;"
                f" {nearest(name, known)}"
            )


def _presentations(
    one: _Named, entry: NeoFile, path: Path, stimuli: ShownStimuli
) -> tuple[list[str], np.ndarray]:
    """Names of what was shown, and when it began in s."""
    wanted = _wanted(entry)
    found: list[tuple[str, list[str], np.ndarray]] = []
    for kind, lists in (("epochs", one.segment.epochs), ("events", one.segment.events)):
        for events in lists:
            if wanted is not None and str(events.name or "") not in wanted:
                continue
            names = [written_name(label) for label in events.labels]
            if wanted is None and not (stimuli.numbers(names, path) >= 0).any():
                continue
            found.append((f"{kind} '{events.name or ''}'", names, _seconds(events)))
    if not found:
        names = [str(one.segment.annotations.get("stimulus", one.segment.name))]
        starts = [min(_in_s(train.t_start) for train in one.segment.spiketrains)]
        return names, np.array(starts)
    return _once(found, one, path, stimuli)


def _once(
    found: list[tuple[str, list[str], np.ndarray]], one: _Named, path: Path, stimuli: ShownStimuli
) -> tuple[list[str], np.ndarray]:
    """Each presentation once, where epochs and events tell of the same ones.

    Lists without a stimulus in common tell of different presentations; those with the same
    stimuli at the same times of the same.
    """
    kept: list[tuple[str, list[str], np.ndarray]] = []
    for what, names, starts in found:
        fresh = True
        for other, its_names, its_starts in kept:
            common = {i for i in stimuli.numbers(names, path) if i >= 0}
            if not common & {i for i in stimuli.numbers(its_names, path) if i >= 0}:
                continue
            if not _alike(names, starts, its_names, its_starts):
                raise SpikelearnError(
                    f"{path}, {one.where}: the {other} and the {what} name the same stimuli at"
                    " different times; choose one of them by `events`"
                )
            stimuli.note(f"{path}: the {other} and the {what} are the same presentations")
            fresh = False
        if fresh:
            kept.append((what, names, starts))
    return [n for _, names, _ in kept for n in names], np.concatenate([s for _, _, s in kept])


def _alike(
    names: list[str], starts: np.ndarray, other_names: list[str], other_starts: np.ndarray
) -> bool:
    if len(names) != len(other_names):
        return False
    a, b = (
        sorted(zip(n, s.tolist(), strict=True), key=lambda one: (one[0], one[1]))
        for n, s in ((names, starts), (other_names, other_starts))
    )
    return all(x == y and abs(s - t) <= _SAME_TIME_S for (x, s), (y, t) in zip(a, b, strict=True))


def _seconds(times: Any) -> np.ndarray:
    loaded = times.load() if hasattr(times, "load") else times
    result: np.ndarray = np.asarray(loaded.times.rescale("s").magnitude, dtype=np.float64)
    return result


def _in_s(time: Any) -> float:
    return float(time.rescale("s"))
