"""Spike trains as everybody writes them: a column of times, a column of neurons.

Text with commas, semicolons, tabs or blanks, NumPy archives and MATLAB files. A header or the
names of the arrays say which column is which (and `time_ms` or `time_s` the unit); without names
the column of whole numbers is that of the neurons. A unit that is nowhere said has to be given.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import repeated
from spikelearn.spikes.of_others import in_ms, neurons_of, one_trial

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity
    from spikelearn.spikes.of_others import Given

TAKES = ("duration_ms", "unit")

# What the two columns are called, in lower case and without their unit.
_TIMES = {
    "time",
    "times",
    "t",
    "spike_time",
    "spike_times",
    "spiketimes",
    "timestamp",
    "timestamps",
}
_NEURONS = {
    "neuron", "neurons", "neuron_id", "neuron_ids", "sender", "senders", "id", "ids", "i", "index",
    "unit", "units", "unit_id", "unit_ids", "node_id", "node_ids", "gid", "gids", "cell", "cells",
}  # fmt: skip
_UNIT = re.compile(r"(?:[ _]*[\[(]|[ _])(ms|msec|s|sec|seconds|milliseconds|us|µs)[\])]?$")


def from_text(path: Path, given: Given) -> Activity:
    """The spikes of a text file; its first line may name the columns, comments begin with #.

    Raises
    ------
    SpikelearnError
        Naming the line that is no spike.
    """
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    numbered = [(n, line) for n, line in enumerate(lines, 1)
                if line.strip() and not line.lstrip().startswith("#")]  # fmt: skip
    if not numbered:
        raise SpikelearnError("it holds no line of a spike")
    rows = [(n, _cells(line)) for n, line in numbered]
    names = None if all(map(_is_number, rows[0][1])) else rows.pop(0)[1]
    width = len(names) if names is not None else 2
    for n, cells in rows:
        if len(cells) != width or not all(map(_is_number, cells[: 2 if names is None else width])):
            if names is not None and len(cells) == width:
                continue  # other columns may hold text; the two that are read are looked at below
            raise SpikelearnError(
                f"line {n} must hold a time and a neuron, found {','.join(cells):.80}"
            )
    twice = repeated(names or ())
    if twice is not None:
        raise SpikelearnError(f"two of its columns are called '{twice}'")
    columns = {name: [row[i] for _, row in rows] for i, name in enumerate(names or ("0", "1"))}
    try:
        return _from_columns(columns, names is not None, "CSV", given)
    except ValueError as error:
        if isinstance(error, SpikelearnError):
            raise
        raise SpikelearnError(f"it has a cell that is no number ({error})") from error


def from_arrays(arrays: Mapping[str, Any], form: str, given: Given) -> Activity:
    """The spikes of an archive: an array of times and one of neurons, or one of two columns.

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
    plain = {name: np.asarray(a).squeeze() for name, a in arrays.items()
             if np.asarray(a).dtype.kind in "iuf"}  # fmt: skip
    pairs = [a for a in plain.values() if a.ndim == 2 and 2 in a.shape]
    lines = {name: np.atleast_1d(a) for name, a in plain.items() if a.ndim <= 1}
    if len(pairs) == 1 and not _called(list(lines), _TIMES):
        pair = pairs[0] if pairs[0].shape[1] == 2 else pairs[0].T
        return _from_columns({"0": pair[:, 0], "1": pair[:, 1]}, False, form, given)
    if not lines:
        raise SpikelearnError(
            "it holds no activity of spikelearn's, and no arrays of times and neurons (it has"
            f" {', '.join(arrays) or 'nothing'})"
        )
    return _from_columns(lines, True, form, given)


def _from_columns(columns: Mapping[str, Any], named: bool, form: str, given: Given) -> Activity:
    notes: list[str] = []
    if named:
        times, neurons = (_one(columns, known, what) for known, what in (
            (_TIMES, "times"), (_NEURONS, "neurons")))  # fmt: skip
        others = [name for name in columns if name not in (times, neurons)]
        if others:
            notes.append(f"left out: {', '.join(others)}")
    else:
        times, neurons = _by_content(columns)
        notes.append(
            f"its columns have no names; the {'first' if times == '0' else 'second'} is taken for"
            " the times, for the other holds whole numbers"
        )
    unit = _UNIT.search(times.lower())
    said = given.get("unit", unit.group(1) if unit and named else None)
    values = {k: np.asarray(columns[k], dtype=np.float64) for k in (times, neurons)}
    if values[times].shape != values[neurons].shape:
        raise SpikelearnError(
            f"it has {values[times].size} {times}, but {values[neurons].size} {neurons}"
        )
    numbers = neurons_of(values[neurons], "it")
    spikes = {"units": (in_ms(values[times], said, "it"), numbers)}
    return one_trial(spikes, form, given.get("duration_ms"), notes)


def _one(columns: Mapping[str, Any], known: set[str], what: str) -> str:
    found = _called(list(columns), known)
    if len(found) != 1:
        listed = " and ".join(found) if found else f"none of {', '.join(columns)}"
        raise SpikelearnError(
            f"it must have one column of {what}, as {sorted(known)[0]} or {sorted(known)[-1]};"
            f" {listed} could be it"
        )
    return found[0]


def _called(names: list[str], known: set[str]) -> list[str]:
    plain = {name: _UNIT.sub("", name.strip().lower()) for name in names}
    return [name for name in names if plain[name] in known or name.strip().lower() in known]


def _by_content(columns: Mapping[str, Any]) -> tuple[str, str]:
    """Which of two columns without names holds the times: the one that has fractions."""
    whole = {
        name: bool((np.asarray(values, dtype=np.float64) % 1 == 0).all())
        for name, values in columns.items()
    }
    if len(whole) != 2 or sum(whole.values()) != 1:
        raise SpikelearnError(
            "its two columns have no names, and cannot be told apart, for both hold whole numbers"
            if all(whole.values())
            else "its two columns have no names, and none holds whole numbers, as neurons are"
        )
    neurons = next(name for name, is_whole in whole.items() if is_whole)
    return next(name for name in whole if name != neurons), neurons


def _cells(line: str) -> list[str]:
    for mark in ("\t", ";", ","):
        if mark in line:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=mark))]
    return line.split()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
