"""Responses from the spikes and intervals of anyone's NWB file.

A unit is observed where its `obs_intervals` say so, and the whole file outside of its table
`invalid_times`; what was not observed is NaN.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._names import repeated, written_name
from spikelearn.recordings._measurements import RecordedResponses
from spikelearn.recordings._trials import (
    counts_in_windows,
    observed_windows,
    stacked_repeats,
    touched_windows,
)

if TYPE_CHECKING:
    from spikelearn.recordings._shown import ShownStimuli
    from spikelearn.recordings.user_schema import NWBFile

NOWHERE = ("", "nan", "none", "unknown")  # what files write for "no region"


def read_nwb(entry: NWBFile, root: Path, stimuli: ShownStimuli) -> list[RecordedResponses]:
    """Spikes/s in the window of each presentation, by region.

    Parameters
    ----------
    entry : NWBFile
        What to read, and of whom.
    root : Path
        Folder that its paths are relative to.
    stimuli : ShownStimuli

    Raises
    ------
    SpikelearnError
        If the file lacks the units, table or columns, or does not show every stimulus.
    """
    import pynwb

    path = root / entry.file
    if not path.is_file():
        raise SpikelearnError(f"there is no file {path}")
    try:
        with pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True) as reader:
            return _read(reader.read(), entry, path, stimuli)
    except SpikelearnError:
        raise
    except Exception as error:  # PyNWB and HDF5 fail in many ways on broken files
        raise SpikelearnError(f"{path} is not a complete NWB file") from error


def _read(file: Any, entry: NWBFile, path: Path, stimuli: ShownStimuli) -> list[RecordedResponses]:
    names, starts_s = _presentations(file, entry, path, stimuli)
    which = stimuli.presented(names, path)
    if file.units is None or "spike_times" not in file.units.colnames:
        raise SpikelearnError(f"{path} holds no units with spike times")
    unit_names = _unit_names(file.units, entry, path)
    regions = _regions(file, entry, path, unit_names, stimuli)
    shown = which >= 0
    first, last = entry.window_ms
    length_s = (last - first) / 1000.0
    starts_s = starts_s[shown] + first / 1000.0
    observed = _observed(file, path, stimuli, starts_s, length_s)
    responses = []
    for region in dict.fromkeys(r for r in regions if r is not None):
        members = [i for i, its in enumerate(regions) if its == region]
        trains = [np.sort(np.asarray(file.units["spike_times"][i])) for i in members]
        rates = counts_in_windows(trains, starts_s, length_s) / length_s
        rates[~observed[:, members]] = np.nan
        values, kept = stimuli.observed_units(
            stacked_repeats(rates, which[shown], len(stimuli)),
            [unit_names[i] for i in members],
            f"{path}, {region}",
        )
        unit = f"spikes/s from {first:g} to {last:g} ms"
        responses.append(
            RecordedResponses(
                entry.subject,
                region,
                entry.session,
                values,
                unit,
                kept,
                numbered=entry.unit_column is None,
            )
        )
    return responses


def _presentations(
    file: Any, entry: NWBFile, path: Path, stimuli: ShownStimuli
) -> tuple[list[str], np.ndarray]:
    """What was shown, and when in s: the rows of the table that say both."""
    intervals = dict(file.intervals or {})
    if file.trials is not None:
        intervals["trials"] = file.trials
    if file.epochs is not None:
        intervals["epochs"] = file.epochs
    if entry.table not in intervals:
        raise SpikelearnError(
            f"{path} has no table '{entry.table}' of intervals; {nearest(entry.table, intervals)}"
        )
    table = intervals[entry.table]
    if entry.column not in table.colnames:
        raise SpikelearnError(
            f"{path}: the table {entry.table} has no column '{entry.column}';"
            f" {nearest(entry.column, table.colnames)}"
        )
    cells = column_cells(table, entry.column, path)
    names = [_one_name(cell, row, entry, path, stimuli) for row, cell in enumerate(cells)]
    starts_s = _onsets_s(table, entry, path)
    known_start = np.isfinite(starts_s)
    if not known_start.all():
        of = "start time" if entry.onset == "start_time" else entry.onset
        stimuli.note(
            f"{path}: {counted((~known_start).sum(), 'row')} of the table {entry.table} without"
            f" {of} left out"
        )
    kept = np.flatnonzero(known_start)
    return [names[i] for i in kept], starts_s[kept]


def _onsets_s(table: Any, entry: NWBFile, path: Path) -> np.ndarray:
    """When each row's stimulus came on, in s, as the column of the onsets says."""
    if entry.onset not in table.colnames:
        raise SpikelearnError(
            f"{path}: the table {entry.table} has no column '{entry.onset}', which `onset` names;"
            f" it has {', '.join(table.colnames)}"
        )
    cells = column_cells(table, entry.onset, path)
    if any(len(cell) > 1 for cell in cells):
        row = next(i for i, cell in enumerate(cells) if len(cell) > 1)
        raise SpikelearnError(
            f"{path}: row {row} of the table {entry.table} has {len(cells[row])} onsets in the"
            f" column '{entry.onset}'; one a row is needed"
        )
    try:
        return np.array([float(cell[0]) if cell else np.nan for cell in cells])
    except (TypeError, ValueError) as error:
        raise SpikelearnError(
            f"{path}: the column '{entry.onset}' of the table {entry.table} does not hold times in"
            " s"
        ) from error


def column_cells(table: Any, name: str, path: Path) -> list[list[Any]]:
    """The values of each row of a column: one in plain columns, any number in ragged ones.

    Parameters
    ----------
    table : hdmf.common.DynamicTable
    name : str
        Of the column.
    path : Path
        For the message.

    Raises
    ------
    SpikelearnError
        If the column refers to another table.
    """
    column = table[name]
    values = column.target if hasattr(column, "target") else column
    if hasattr(values, "table"):
        raise SpikelearnError(f"{path}: the column '{name}' refers to another table")
    if hasattr(values, "elements"):  # numbers of the elements of a list
        elements = values.elements.data[:]
        data = [elements[int(number)] for number in values.data[:]]
    else:
        data = list(values.data[:])
    if values is column:
        return [list(np.atleast_1d(cell)) for cell in data]
    return [list(np.ravel(data[begin:end])) for begin, end in _bounds(column)]


def _bounds(index: Any) -> list[tuple[int, int]]:
    """Where the values of each row of a ragged column begin and end among all of them."""
    ends = [int(end) for end in index.data[:]]
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _one_name(cell: list[Any], row: int, entry: NWBFile, path: Path, stimuli: ShownStimuli) -> str:
    """The stimulus of a row: its value, or the one of several that is a stimulus."""
    names = [written_name(value) for value in cell]
    if len(names) == 1:
        return names[0]
    meant = [n for n, i in zip(names, stimuli.numbers(names, path), strict=True) if i >= 0]
    if len(set(meant)) > 1:
        raise SpikelearnError(
            f"{path}: row {row} of the table {entry.table} names two stimuli in the column"
            f" '{entry.column}', {meant[0]} and {meant[1]}"
        )
    return meant[0] if meant else " ".join(names)


def _unit_names(units: Any, entry: NWBFile, path: Path) -> list[str]:
    ids = [str(number) for number in units.id[:]]
    if entry.unit_column is None or (entry.unit_column == "id" and "id" not in units.colnames):
        twice = repeated(ids)
        if twice is not None:
            raise SpikelearnError(
                f"{path}: two units have the id {twice}; say by `unit_column` which column names"
                f" them; there are {', '.join(units.colnames)}"
            )
        return ids
    if entry.unit_column not in units.colnames:
        raise SpikelearnError(
            f"{path}: the units have no column '{entry.unit_column}'; they have"
            f" {', '.join(units.colnames)}"
        )
    cells = column_cells(units, entry.unit_column, path)
    names = [" ".join(written_name(value) for value in cell) for cell in cells]
    twice = repeated(names)
    if twice is not None:
        raise SpikelearnError(
            f"{path}: two units are called '{twice}' in the column '{entry.unit_column}'"
        )
    return names


def _regions(
    file: Any, entry: NWBFile, path: Path, unit_names: list[str], stimuli: ShownStimuli
) -> list[str | None]:
    """The region of each unit; None where it has none, or several."""
    if entry.region_column is None:
        return [str(entry.region)] * len(unit_names)
    units, electrodes = file.units, file.electrodes
    places: list[list[str]]
    if entry.region_column in units.colnames:
        cells = column_cells(units, entry.region_column, path)
        places = [[written_name(value) for value in cell] for cell in cells]
    elif (
        "electrodes" in units.colnames
        and electrodes is not None
        and entry.region_column in electrodes.colnames
    ):
        cells = column_cells(electrodes, entry.region_column, path)
        place = [" ".join(written_name(value) for value in cell) for cell in cells]
        index = units["electrodes"]
        ragged = hasattr(index, "target")
        rows = np.asarray((index.target if ragged else index).data[:], dtype=int)
        bounds = _bounds(index) if ragged else [(i, i + 1) for i in range(rows.size)]
        places = [[place[row] for row in rows[begin:end]] for begin, end in bounds]
    else:
        raise SpikelearnError(
            f"{path}: neither the units nor their electrodes have a column '{entry.region_column}'"
        )
    regions: list[str | None] = []
    for unit, its in zip(unit_names, places, strict=True):
        here = list(dict.fromkeys(p for p in its if p.strip().casefold() not in NOWHERE))
        if len(here) > 1:
            stimuli.note(
                f"{path}: unit {unit} is left out, for it lies in {' and '.join(sorted(here))}"
            )
        regions.append(here[0] if len(here) == 1 else None)
        if not here:
            stimuli.note(f"{path}: unit {unit} is left out, for no region is given for it")
    if not any(regions):
        raise SpikelearnError(f"{path}: no unit has a region in the column '{entry.region_column}'")
    return regions


def invalid_windows(file: Any, starts_s: np.ndarray, length_s: float) -> np.ndarray:
    """Whether each window overlaps one of the file's invalid times, bool array (n_starts,).

    Parameters
    ----------
    file : pynwb.NWBFile
    starts_s : array of shape (n_starts,)
        Where the windows begin, in s.
    length_s : float
        How long each is.
    """
    table = file.invalid_times
    if table is None:
        return np.zeros(len(starts_s), dtype=bool)
    bounds = [np.asarray(table[name].data[:]) for name in ("start_time", "stop_time")]
    return touched_windows(np.column_stack(bounds), starts_s, length_s)


def _observed(
    file: Any, path: Path, stimuli: ShownStimuli, starts_s: np.ndarray, length_s: float
) -> np.ndarray:
    """Whether each unit was observed in each window, bool array of shape (n_windows, n_units)."""
    units = file.units
    observed = np.ones((len(starts_s), len(units.id)), dtype=bool)
    if "obs_intervals" in units.colnames:
        index = units["obs_intervals"]
        stretches = np.asarray(index.target.data[:], dtype=np.float64).reshape(-1, 2)
        unsaid = []
        for unit, (begin, end) in enumerate(_bounds(index)):
            if begin == end:
                unsaid.append(str(units.id[unit]))
                continue
            observed[:, unit] = observed_windows(stretches[begin:end], starts_s, length_s)
        if unsaid:
            stimuli.note(
                f"{path}: obs_intervals say nothing of unit {unsaid[0]}"
                + (f" and {len(unsaid) - 1} more" if len(unsaid) > 1 else "")
                + ", taken as observed throughout"
            )
    else:
        stimuli.note(
            f"{path} has no obs_intervals: every unit is taken as observed in every presentation"
        )
    observed[invalid_windows(file, starts_s, length_s)] = False
    missing = float((~observed).mean())
    if missing:
        stimuli.note(f"{path}: {missing:.1%} of the responses were not observed and are missing")
    return observed
