"""Activity that another program wrote: what its file does not say is said to be taken or asked for.

A file of another's rarely says all that an activity holds. What is given when it is read
(`Given`) decides; what is taken instead, and what is left out, stands in the provenance as `notes`,
which `load` warns of.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from spikelearn._errors import SpikelearnError, nearest
from spikelearn._spike_arrays import PopulationSpikes

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity

# Units of times, as they are called in files, in ms.
TIME_UNITS = {
    "ms": 1.0, "msec": 1.0, "msecs": 1.0, "millisecond": 1.0, "milliseconds": 1.0,
    "s": 1000.0, "sec": 1000.0, "secs": 1000.0, "second": 1000.0, "seconds": 1000.0,
    "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "microsecond": 1e-3, "microseconds": 1e-3,
}  # fmt: skip
# Grid of files that do not say theirs, in ms.
DEFAULT_DT_MS = 0.1


class Given(TypedDict, total=False):
    """What may be said of a file when it is read; a format takes those that its `TAKES` names.

    Attributes
    ----------
    duration_ms : float
        Of each trial, from its onset, in ms.
    unit : str
        Of the times: ms, s or us.
    neurons : int, or str
        How many there are, silent ones among them: a number, or one for each population, as in
        "E=80,I=20".
    times, ids : str
        Column or array of the times, and of the neuron of each.
    trials, onset, label : str
        Table of time intervals that become trials, and its columns of their onsets and labels; of a
        table of spikes the column of their trials, and that of what was shown. Of a table of cells
        trials are "rows" or "columns", and label is the array of what was shown.
    populations : str
        Column of the units, or of their electrodes, or of the spikes, that names their populations;
        of a Neo block the annotation that does.
    block, segment : str
        Name or number of the Neo block that is read, and of its one segment.
    """

    duration_ms: float
    unit: str
    neurons: int | str
    times: str
    ids: str
    trials: str
    onset: str
    label: str
    populations: str
    block: str
    segment: str


class ReadWarning(UserWarning):
    """What was taken, or left out, of a file that another program wrote."""


_listening: list[list[str]] = []


@contextlib.contextmanager
def noted(notes: list[str]) -> Iterator[None]:
    """Collect what is noted while a file is read."""
    _listening.append(notes)
    try:
        yield
    finally:
        _listening.pop()


def note(sentences: Sequence[str]) -> None:
    """What was taken, or left out, of a file that another program wrote."""
    if _listening:
        _listening[-1].extend(sentences)


def in_ms(times: Any, unit: str | None, where: str) -> np.ndarray:
    """Times in ms.

    Parameters
    ----------
    times : array
    unit : str or None
        As the file calls it.
    where : str
        For the sentence.

    Raises
    ------
    SpikelearnError
        If there is no such unit, or a time is no number.
    """
    known = (unit or "").strip().lower()
    if known not in TIME_UNITS:
        said = f"in '{unit}'" if unit else "whose unit is not said"
        raise SpikelearnError(f"{where} has times {said}; say unit ms, s or us")
    times = np.asarray(times, dtype=np.float64) * TIME_UNITS[known]
    if not np.isfinite(times).all():
        raise SpikelearnError(f"{where} has a time that is no number")
    return times


def said_unit(given: Given, own: str | None, whose: str, notes: list[str]) -> str | None:
    """The unit of times: as it is given, and otherwise as the file says it.

    Parameters
    ----------
    given : mapping
        What was said of the file.
    own : str or None
        As the file says it, if it does.
    whose : str
        What says so, for the note.
    notes : list of str
        Is told where what is given is not what the file says.
    """
    said = given.get("unit", own)
    scales = [TIME_UNITS.get((unit or "").strip().lower()) for unit in (said, own)]
    if own is not None and None not in scales and scales[0] != scales[1]:
        notes.append(f"the times of {whose} are taken for {said}, as given, though it says {own}")
    return said


def neurons_of(ids: Any, where: str) -> np.ndarray:
    """Numbers of neurons as whole numbers from 0.

    Raises
    ------
    SpikelearnError
        If one is none.
    """
    ids = np.asarray(ids)
    if ids.dtype.kind not in "iuf" or (ids.dtype.kind == "f" and (ids != np.round(ids)).any()):
        raise SpikelearnError(f"{where} has neurons that are no whole numbers")
    if ids.size and ids.min() < 0:
        raise SpikelearnError(f"{where} has the neuron {int(ids.min())}; they are numbered from 0")
    if ids.size and ids.max() > 2**31:
        raise SpikelearnError(f"{where} has the neuron {int(ids.max())}, which is beyond counting")
    return ids.astype(np.int64)


def duration(last_ms: float, given_ms: float | None, notes: list[str]) -> float:
    """Duration of a recording whose file does not say it.

    Parameters
    ----------
    last_ms : float
        Time of its last spike; minus infinity where there is none.
    given_ms : float or None
        What was said.
    notes : list of str
        Gets what is taken.

    Raises
    ------
    SpikelearnError
        If there is no spike to tell by, or one comes later than what was said.
    """
    if given_ms is not None:
        if not (math.isfinite(given_ms) and given_ms > 0):
            raise SpikelearnError(f"a duration must be larger than 0 ms, found {given_ms:g}")
        if last_ms > given_ms:
            raise SpikelearnError(
                f"a spike comes at {last_ms:g} ms, after the {given_ms:g} ms that were given as"
                " its duration"
            )
        return float(given_ms)
    if not math.isfinite(last_ms):
        raise SpikelearnError(
            "it holds no spikes, and says no duration; give duration_ms (--duration)"
        )
    # Up to the next full 10 ms: the end of a recording is not the moment of its last spike.
    taken = 10.0 * (math.floor(last_ms / 10.0 + 1e-9) + 1)
    notes.append(
        f"it does not say how long was recorded; taken are {taken:.10g} ms, for the last spike"
        f" comes at {last_ms:.10g} ms (duration_ms, --duration)"
    )
    return taken


def grid(times_ms: Sequence[np.ndarray]) -> float:
    """The time step in ms that all times are multiples of; the usual one where there is none."""
    times = np.unique(np.concatenate([np.empty(0), *times_ms]))
    steps = np.diff(times)
    # Two spikes of one step may differ by rounding.
    steps = steps[steps > 1e-6]
    if not steps.size:
        return DEFAULT_DT_MS
    step = float(f"{steps.min():.4g}")
    parts = times / step
    return step if np.abs(parts - np.round(parts)).max() < 1e-2 else DEFAULT_DT_MS


def of_trials(
    spikes: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    labels: Sequence[str],
    form: str,
    given: Given,
    notes: Sequence[str] = (),
    known: Mapping[str, Any] | None = None,
) -> Activity:
    """An activity of spikes whose file says no sizes and no duration.

    Parameters
    ----------
    spikes : mapping of str to (times in ms, neurons, trials)
        By population.
    labels : sequence of str
        Of the trials.
    form : str
        Name of the file's format.
    given : mapping
        What was said of the file.
    notes : sequence of str
        What was taken or left out before.
    known : mapping, optional
        What else goes into the provenance.

    Raises
    ------
    SpikelearnError
        If a spike comes before time 0, the duration is neither known nor to be told, or there are
        more neurons than were given.
    """
    from spikelearn.spikes.activity import Activity

    said = list(notes)
    for name, (times, _, _) in spikes.items():
        if times.size and times.min() < 0:
            raise SpikelearnError(
                f"population '{name}' has a spike at {times.min():g} ms; times count from 0"
            )
    last = max((times.max(initial=-np.inf) for times, _, _ in spikes.values()), default=-np.inf)
    length = duration(float(last), given.get("duration_ms"), said)
    least = {name: int(its.max(initial=-1)) + 1 for name, (_, its, _) in spikes.items()}
    sizes = _sizes(given.get("neurons"), least)
    counted = ", ".join(f"{n} of '{name}'" for name, n in least.items() if name not in sizes)
    if counted:
        said.append(
            f"neurons are counted up to the last that spikes: {counted} (neurons, --neurons)"
        )
    populations = {
        name: PopulationSpikes.from_unsorted(sizes.get(name, least[name]), times, neurons, trials)
        for name, (times, neurons, trials) in spikes.items()
    }
    note(said)
    provenance = {"format": form, **(known or {}), "notes": said}
    dt_ms = grid([times for times, _, _ in spikes.values()])
    return Activity(populations, length, dt_ms, len(labels), tuple(labels), provenance=provenance)


def _sizes(neurons: int | str | None, least: Mapping[str, int]) -> dict[str, int]:
    """Sizes of populations as they were given, in numbers.

    Parameters
    ----------
    neurons : int, str or None
        As in `Given`.
    least : mapping of str to int
        How many there must be in each population.
    """
    if neurons is None:
        return {}
    sizes: dict[str, int] = {}
    for part in str(neurons).split(","):
        name, mark, number = part.rpartition("=")
        if not mark and len(least) != 1:
            raise SpikelearnError(
                f"it has {len(least)} populations; say how many neurons each has, as in"
                f" {','.join(f'{one}={n}' for one, n in list(least.items())[:3])}"
            )
        name = name.strip() if mark else next(iter(least))
        if name not in least:
            raise SpikelearnError(f"it has no population '{name}'; {nearest(name, least)}")
        if not number.strip().isdecimal() or len(number) > 12:
            raise SpikelearnError(f"neurons must be whole numbers, found '{number:.40}'")
        sizes[name] = int(number)
        if sizes[name] < least[name]:
            raise SpikelearnError(
                f"population '{name}' has spikes of neuron {least[name] - 1}, but"
                f" {sizes[name]} neurons were given; they are numbered from 0"
            )
    return sizes


def refuse(given: Mapping[str, Any]) -> None:
    """Refuse what is said of a file that says all of it itself.

    Raises
    ------
    SpikelearnError
        Naming the first.
    """
    for name in given:
        raise SpikelearnError(f"{name} is given, but this file of spikelearn's says it itself")


def column(name: str, there: Sequence[str], what: str) -> str:
    """A column that is there.

    Parameters
    ----------
    name : str
    there : sequence of str
        All columns.
    what : str
        Whose, for the sentence.

    Raises
    ------
    SpikelearnError
        If it is not there.
    """
    if name not in there:
        raise SpikelearnError(f"{what} has no column '{name}'; {nearest(name, there)}")
    return name


def place_of(asked: str, names: Sequence[str], kind: str, where: str) -> int:
    """The place of what is asked for by its name or its number.

    Parameters
    ----------
    asked : str
    names : sequence of str
        Those that there are; empty where one has none.
    kind, where : str
        What they are, and where, for the sentence.

    Raises
    ------
    SpikelearnError
        If there is none, or several are called so.
    """
    places = [place for place, name in enumerate(names) if name and name == asked]
    if len(places) > 1:
        numbers = " and ".join(map(str, places))
        raise SpikelearnError(
            f"{where} has several {kind}s called '{asked}'; say one by its number, {numbers}"
        )
    if places:
        return places[0]
    if asked.strip().isdecimal() and int(asked) < len(names):
        return int(asked)
    called = [name for name in names if name]
    numbered = f"they are numbered from 0 to {len(names) - 1}"
    raise SpikelearnError(
        f"{where} has no {kind} '{asked}'; {numbered}"
        + (f", and {nearest(asked, called)}" if called else "")
    )
