"""Spike trains as everybody writes them: a column of times, a column of neurons.

Text, NumPy archives and MATLAB files. A header or the names of the arrays say which column is which
(and `time_ms` or `time_s` the unit); without names the column of whole numbers is that of the
neurons. A unit that is nowhere said has to be given. Columns of the trial of each spike, of what
was shown and of the population are read where they are named (`Given`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import order_of_names, written_name
from spikelearn.spikes import text_tables
from spikelearn.spikes.of_others import column, in_ms, neurons_of, of_trials, said_unit
from spikelearn.spikes.spike_cells import flattened, is_list, of_table

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity
    from spikelearn.spikes.of_others import Given
    from spikelearn.spikes.text_tables import Table

TAKES = ("duration_ms", "unit", "neurons", "times", "ids", "trials", "label", "populations")

# What the two columns are called, in lower case and without their unit.
_TIMES = {
    "time",
    "times",
    "t",
    "spike_time",
    "spike_times",
    "spike time",
    "spike times",
    "spiketime",
    "spiketimes",
    "timestamp",
    "timestamps",
}
_NEURONS = {
    "neuron", "neurons", "neuron_id", "neuron_ids", "sender", "senders", "id", "ids", "i", "index",
    "unit", "units", "unit_id", "unit_ids", "node_id", "node_ids", "gid", "gids", "cell", "cells",
    "neuron id", "unit id", "cell id", "cell_id", "cluster", "clusters", "cluster_id",
    "spike_clusters",
}  # fmt: skip
_TRIALS = {"trial", "trials", "trial_id", "trial_number", "sweep", "repeat", "segment", "episode"}
_UNIT = re.compile(
    r"(?:[ _/]*[\[(]|[ _/])(ms|msecs?|milliseconds?|s|secs?|seconds?|us|µs|μs|microseconds?)[\])]?$"
)


def from_text(text: str, given: Given, notes: Sequence[str] = ()) -> Activity:
    """The spikes of a table of text.

    Parameters
    ----------
    text : str
    given : mapping
        What was said of the file.
    notes : sequence of str
        What is to be said of it already.

    Raises
    ------
    SpikelearnError
        Naming the line that is no spike.
    """
    table = text_tables.read(text, _is_header, notes)
    return _Columns(table.columns, table.named, given, table.notes, table).activity("CSV")


def _is_header(names: Sequence[str]) -> bool:
    return len(_called(names, _TIMES)) == 1 and len(_called(names, _NEURONS)) == 1


def from_arrays(arrays: Mapping[str, Any], form: str, given: Given) -> Activity:
    """The spikes of an archive: arrays of times and of neurons, one of both, or cells of times.

    Parameters
    ----------
    arrays : mapping of str to array
    form : str
        Name of the format.
    given : mapping
        What was said of the file.

    Raises
    ------
    SpikelearnError
        If it is not clear which arrays are meant.
    """
    arrays = _apart(arrays)
    plain = {name: a for name, a in arrays.items() if a.dtype.kind in "iuf"}
    pairs = {name: a for name, a in plain.items() if a.ndim == 2 and 2 in a.shape}
    lines = {name: a.ravel() for name, a in arrays.items()
             if a.dtype.kind in "iufbUS" and a.size == max([*a.shape, 1])}  # fmt: skip
    cells = {name: a for name, a in arrays.items() if a.dtype.kind == "O" and a.size
             and all(np.asarray(cell).dtype.kind in "iuf" for cell in a.flat)}  # fmt: skip
    named = given.get("times") in lines or _called(list(lines), _TIMES)
    lists = [name for name in cells if name == given.get("times")] or (
        _called(list(cells), _TIMES) or list(cells)
    )
    if len(lists) == 1 and not named:
        if not is_list(cells[lists[0]]):
            unit = _UNIT.search(lists[0].lower())
            return of_table(lists[0], arrays, unit and unit.group(1), form, given)
        others = [name for name in arrays if name != lists[0]]
        return _of_cells(lists[0], cells[lists[0]], others, form, given)
    if len(pairs) == 1 and not named:
        name, pair = next(iter(pairs.items()))
        pair = pair if pair.shape[1] == 2 else pair.T
        left = [other for other in arrays if other != name]
        notes = [f"left out: {', '.join(left)}"] if left else []
        return _Columns({"1": pair[:, 0], "2": pair[:, 1]}, False, given, notes).activity(form)
    if not lines:
        raise SpikelearnError(
            "it holds no activity of spikelearn's, and no arrays of times and neurons (it has"
            f" {', '.join(arrays) or 'nothing'})"
        )
    left = [name for name in arrays if name not in lines]
    notes = [f"left out: {', '.join(left)}"] if left else []
    return _Columns(lines, True, given, notes).activity(form)


def _apart(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Arrays by name; those of records by the names of their fields; lists of lists as tables."""
    found = {}
    for name, value in arrays.items():
        array = np.asarray(value)
        if array.dtype.names:
            found.update({field: array[field] for field in array.dtype.names})
        else:
            found[name] = flattened(array)
    return found


def _of_cells(
    name: str, cells: np.ndarray, others: Sequence[str], form: str, given: Given
) -> Activity:
    """A list of spike times for each neuron, as MATLAB keeps lists of unequal length."""
    trains = [np.asarray(cell, dtype=np.float64).ravel() for cell in cells.flat]
    columns = {
        name: np.concatenate(trains),
        "neuron": np.repeat(np.arange(len(trains)), [len(train) for train in trains]),
    }
    said = {"times": name, "ids": "neuron", "neurons": str(len(trains)), **given}
    notes = [f"left out: {', '.join(others)}"] if others else []
    return _Columns(columns, True, said, notes).activity(form)  # type: ignore[arg-type]


class _Columns:
    """Columns of which two are times and neurons, and others may be trials and populations."""

    def __init__(
        self,
        columns: Mapping[str, Any],
        named: bool,
        given: Given,
        notes: Sequence[str],
        table: Table | None = None,
    ):
        self._columns, self._named, self._given = dict(columns), named, given
        self._table, self.notes = table, list(notes)

    def activity(self, form: str) -> Activity:
        """The activity that they hold."""
        times, ids = self._times_and_ids()
        chosen = {key: self._asked(key) for key in ("trials", "label", "populations")}
        read = [times, ids, *filter(None, chosen.values())]
        others = [name for name in self._columns if name not in read]
        if others:
            trials = [] if chosen["trials"] else _called(others, _TRIALS)
            hint = f" ({trials[0]} may be that of the trials: trials, --trials)" if trials else ""
            self.notes.append(f"left out: {', '.join(others)}{hint}")
        unit = _UNIT.search(times.lower()) if self._named else None
        said = said_unit(self._given, unit and unit.group(1), f"'{times}'", self.notes)
        times_ms = in_ms(self._numbers(times), said, "it")
        neurons, names = self._neurons(ids)
        if times_ms.shape != neurons.shape:
            raise SpikelearnError(f"it has {times_ms.size} {times}, but {neurons.size} {ids}")
        of_each = {key: self._texts(name, times_ms.size) if name else None
                   for key, name in chosen.items()}  # fmt: skip
        trials_of, labels = self._trials(of_each["trials"], of_each["label"])
        spikes = self._populations(times_ms, neurons, trials_of, of_each["populations"])
        extra = {"neuron_names": names} if names else {}
        return of_trials(spikes, labels, form, self._given, self.notes, extra)

    def _asked(self, key: str) -> str | None:
        name = self._given.get(key)
        return None if name is None else column(str(name), list(self._columns), "it")

    def _times_and_ids(self) -> tuple[str, str]:
        """Which columns hold the times and the neurons."""
        times, ids = self._asked("times"), self._asked("ids")
        if self._named:
            free = [name for name in self._columns if name not in self._given.values()]
            times = times or _one(free, _TIMES, "times")
            return times, ids or _one(free, _NEURONS, "ids")
        if times and ids:
            return times, ids
        found = _by_content({name: self._numbers(name) for name in self._columns}, times, ids)
        self.notes.append(
            f"its columns have no names; the {'first' if found[0] == '1' else 'second'} is taken"
            " for the times, for the other holds whole numbers"
        )
        return found

    def _numbers(self, name: str) -> np.ndarray:
        if self._table is not None:
            return self._table.numbers(name)
        try:
            return np.asarray(self._columns[name], dtype=np.float64)
        except ValueError as error:
            raise SpikelearnError(f"{name} has a value that is no number ({error})") from error

    def _texts(self, name: str, n: int) -> list[str]:
        values = [written_name(value) for value in self._columns[name]]
        if len(values) != n:
            raise SpikelearnError(f"it has {n} times, but {len(values)} {name}")
        return values

    def _neurons(self, name: str) -> tuple[np.ndarray, list[str]]:
        """The neuron of each spike; names are numbered as they sort."""
        values = self._columns[name]
        is_text = [isinstance(v, str | bytes) and not text_tables.is_number(written_name(v))
                   for v in values]  # fmt: skip
        if not any(is_text):
            return neurons_of(np.asarray(self._numbers(name)), "it"), []
        texts = [written_name(value) for value in values]
        distinct = list(dict.fromkeys(texts))
        names = [distinct[place] for place in order_of_names(distinct)]
        shown = f"{', '.join(names[:5])}{' ...' if len(names) > 5 else ''}"
        self.notes.append(f"neurons are numbered in the order of their names, {shown}")
        number = {text: i for i, text in enumerate(names)}
        return np.array([number[text] for text in texts], dtype=np.int64), names

    def _trials(
        self, trials: list[str] | None, shown: list[str] | None
    ) -> tuple[np.ndarray | int, tuple[str, ...]]:
        """The trial of each spike, and what was shown in each."""
        if trials is None:
            if shown is not None:
                raise SpikelearnError("label is of trials; name their column by trials (--trials)")
            return 0, ("0",)
        names = _counted(trials)
        number = {name: i for i, name in enumerate(names)}
        self.notes.append(f"trials are those that have a spike, and those between: {len(names)}")
        labels = dict(zip(names, names, strict=True))
        for trial, label in zip(trials, shown or trials, strict=True):
            if shown is not None and labels[trial] not in (trial, label):
                raise SpikelearnError(
                    f"trial {trial} has two labels, '{labels[trial]}' and '{label}'"
                )
            labels[trial] = label
        return np.array([number[trial] for trial in trials], dtype=np.int64), tuple(labels.values())

    def _populations(
        self, times: np.ndarray, neurons: np.ndarray, trials: np.ndarray | int,
        populations: list[str] | None,
    ) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:  # fmt: skip
        """Times, neurons and trials by population."""
        which = np.broadcast_to(trials, times.shape)
        if populations is None:
            return {"units": (times, neurons, which)}
        of_spike, found = np.array(populations, dtype=object), {}
        for name in dict.fromkeys(populations):
            here = of_spike == name
            found[name] = times[here], neurons[here], which[here]
        ranges = sorted((its.min(), its.max(), name) for name, (_, its, _) in found.items())
        apart = all(a[1] < b[0] for a, b in itertools.pairwise(ranges))
        if apart and len(ranges) > 1:
            for first, _, name in ranges[1:]:
                self.notes.append(f"neurons of '{name}' are counted from {first}")
                its = found[name]
                found[name] = its[0], its[1] - first, its[2]
        return found


def _counted(trials: list[str]) -> list[str]:
    """Names of the trials in their order; of whole numbers, those between, too."""
    distinct = list(dict.fromkeys(trials))
    if all(name.isdecimal() and name == str(int(name)) for name in distinct):
        numbers = [int(name) for name in distinct]
        if max(numbers) - min(numbers) < _MOST_BETWEEN * len(distinct):
            return [str(i) for i in range(min(numbers), max(numbers) + 1)]
    return [distinct[place] for place in order_of_names(distinct)]


# Trials that have no spike are counted as long as numbers are those of trials at all.
_MOST_BETWEEN = 100


def _one(names: list[str], known: set[str], what: str) -> str:
    found = _called(names, known)
    if len(found) != 1:
        listed = " and ".join(found) if found else f"none of {', '.join(names)}"
        kind = "neurons, as neuron or unit_id" if what == "ids" else "times, as time_ms or times"
        raise SpikelearnError(
            f"it must have one column of {kind}; {listed} could be it (choose by {what}, --{what})"
        )
    return found[0]


def _called(names: Sequence[str], known: set[str]) -> list[str]:
    """Those of the names that are known, without their unit or the struct that they are in."""
    found = []
    for name in names:
        whole = name.strip().lower().rpartition(".")[2] or name
        if whole in known or _UNIT.sub("", whole) in known:
            found.append(name)
    return found


def _by_content(
    columns: Mapping[str, np.ndarray], times: str | None, ids: str | None
) -> tuple[str, str]:
    """Which of two columns without names holds the times: the one that has fractions."""
    if len(columns) != 2:
        raise SpikelearnError(
            f"its {len(columns)} columns have no names; say which are those of times and neurons"
            " by number (times and ids, --times 1 --ids 2)"
        )
    if times or ids:
        first, second = columns
        other = second if (times or ids) == first else first
        return (times, other) if times else (other, str(ids))
    whole = {name: bool((values % 1 == 0).all()) for name, values in columns.items()}
    if sum(whole.values()) != 1:
        why = "both hold" if all(whole.values()) else "none holds"
        raise SpikelearnError(
            f"its two columns have no names, and cannot be told apart, for {why} whole numbers as"
            " neurons are; say the one of times by number (times, --times 1)"
        )
    neurons = next(name for name, is_whole in whole.items() if is_whole)
    return next(name for name in whole if name != neurons), neurons
