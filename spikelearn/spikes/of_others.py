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
    "ms": 1.0, "msec": 1.0, "millisecond": 1.0, "milliseconds": 1.0,
    "s": 1000.0, "sec": 1000.0, "second": 1000.0, "seconds": 1000.0,
    "us": 1e-3, "µs": 1e-3, "microsecond": 1e-3, "microseconds": 1e-3,
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
    trials, onset, label : str
        Table of time intervals that become trials, and its columns of their onsets and labels.
    populations : str
        Column of the units, or of their electrodes, that names their populations.
    """

    duration_ms: float
    unit: str
    trials: str
    onset: str
    label: str
    populations: str


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


def one_trial(
    spikes: Mapping[str, tuple[np.ndarray, np.ndarray]],
    form: str,
    duration_ms: float | None = None,
    notes: Sequence[str] = (),
) -> Activity:
    """An activity of one trial.

    Parameters
    ----------
    spikes : mapping of str to (times in ms, neurons)
        By population.
    form : str
        Name of the file's format.
    duration_ms : float, optional
        If it is known.
    notes : sequence of str
        What was taken or left out before.

    Raises
    ------
    SpikelearnError
        If a spike comes before time 0, or the duration is neither known nor to be told.
    """
    from spikelearn.spikes.activity import Activity

    said = list(notes)
    for name, (times, _) in spikes.items():
        if times.size and times.min() < 0:
            raise SpikelearnError(
                f"population '{name}' has a spike at {times.min():g} ms; times count from 0"
            )
    last = max((times.max(initial=-np.inf) for times, _ in spikes.values()), default=-np.inf)
    length = duration(float(last), duration_ms, said)
    populations = {}
    for name, (times, neurons) in spikes.items():
        size = int(neurons.max(initial=-1)) + 1
        populations[name] = PopulationSpikes.from_unsorted(size, times, neurons)
    sizes = ", ".join(f"{spikes.size} of '{name}'" for name, spikes in populations.items())
    said.append(f"neurons are counted up to the last that spikes: {sizes}")
    note(said)
    provenance = {"format": form, "notes": said}
    dt_ms = grid([times for times, _ in spikes.values()])
    return Activity(populations, length, dt_ms, provenance=provenance)


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
