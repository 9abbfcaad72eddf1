"""Comma-separated text: one row per spike, below one comment line that says the rest.

    # {"format": "spikelearn activity", "version": 1, "duration_ms": 500.0, ...}
    population,neuron,trial,stimulus,time_ms
    excitatory,3,0,face,12.4

The comment line holds sizes (so silent neurons are not lost), duration, labels of all trials and
provenance; `pandas.read_csv(path, skiprows=1)` reads the rest. Recorded states and weights have
no place in such a table: they are left out, with a warning.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes, pieces
from spikelearn.spikes import text_tables, two_columns
from spikelearn.spikes.metadata import describe, parse, rebuild
from spikelearn.spikes.of_others import refuse

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity
    from spikelearn.spikes.of_others import Given

COMPLETE = False  # states and weights are left out
TAKES = two_columns.TAKES
HELD_BYTES = 0  # of memory for each spike: written in pieces

COLUMNS = ["population", "neuron", "trial", "stimulus", "time_ms"]

# What may part the cells where a spreadsheet saved the file again.
_MARKS = (",", ";", "\t")
_ROWS = 2**16  # turned into Python's numbers at once


def save(activity: Activity, path: Path) -> None:
    """Write the activity to `path`, without recorded states and weights.

    Warns
    -----
    UserWarning
        Naming the states and weights that are left out.
    """
    left_out = [*activity.states, *activity.weights]
    if left_out:
        warnings.warn(
            f"a .csv file holds spikes only; left out are {', '.join(left_out)}"
            " (the other formats keep them)",
            stacklevel=4,
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# {describe(activity)}\n{','.join(COLUMNS)}\n")
        # Quotation marks around all text, for a label may hold any line break.
        rows = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        for name, spikes in activity.populations.items():
            arrays = (spikes.senders, spikes.trials, spikes.times_ms)
            for here in pieces(len(spikes), length=_ROWS):
                # tolist: Python's numbers are written with as many digits as they need to come
                # back.
                columns = (array[here].tolist() for array in arrays)
                rows.writerows(
                    (name, neuron, trial, activity.labels[trial], time_ms)
                    for neuron, trial, time_ms in zip(*columns, strict=True)
                )


def expected_bytes(activity: Activity) -> float:
    """How large the file will be, about: a line for each spike."""
    label = sum(map(len, activity.labels)) / activity.n_trials
    lines = sum(len(s) * (len(name) + label + 20) for name, s in activity.populations.items())
    return 5e3 + lines + 20 * activity.n_trials


def load(path: Path, **given: Unpack[Given]) -> Activity:
    """Read what `save` wrote, also where a spreadsheet saved it again; or another's two columns."""
    text, notes = text_tables.decoded(path)
    first, _, table = text.partition("\n")
    with _cells_of_any_length():
        meta = _metadata(first)
        if meta is None:
            return two_columns.from_text(text, given, notes)
        refuse(given)
        populations = _populations(table, meta)
    # What was left out of the table is left out of the activity.
    return rebuild({**meta, "states": {}, "weights": {}}, populations)


def _populations(table: str, meta: Mapping[str, Any]) -> dict[str, PopulationSpikes]:
    """The spikes below the comment line."""
    if not table.endswith("\n"):
        raise SpikelearnError("it was cut short, for its last line has no end")
    header = table.partition("\n")[0].strip()
    marks = [mark for mark in _MARKS if next(csv.reader([header], delimiter=mark), []) == COLUMNS]
    if not marks:
        raise SpikelearnError(f"its second line must be {','.join(COLUMNS)}")
    rows = csv.reader(io.StringIO(table, newline=""), strict=True, delimiter=marks[0])
    next(rows)
    found: dict[str, list[tuple[float, int, int]]] = {name: [] for name in meta["populations"]}
    for row in rows:
        try:
            name, neuron, trial, _, time_ms = row
            spike = text_tables.number(time_ms), int(neuron), int(trial)
            if not _can_be(spike, meta["populations"][name], len(meta["labels"])):
                raise ValueError(spike)
            found[name].append(spike)
        except (ValueError, KeyError) as error:
            raise SpikelearnError(
                f"line {rows.line_num + 1} must hold a known population, neuron, trial,"
                f" stimulus and time in ms, found {','.join(row):.80}"
            ) from error
    populations = {}
    for name, size in meta["populations"].items():
        times, neurons, trials = zip(*found[name], strict=True) if found[name] else ((), (), ())
        populations[name] = PopulationSpikes.from_unsorted(
            size, np.array(times), np.array(neurons), np.array(trials)
        )
    return populations


def _can_be(spike: tuple[float, int, int], size: int, n_trials: int) -> bool:
    """Whether there is such a neuron and trial, and the time is one."""
    time_ms, neuron, trial = spike
    return math.isfinite(time_ms) and 0 <= neuron < size and 0 <= trial < n_trials


def _metadata(line: str) -> dict[str, Any] | None:
    """What the comment line says; spreadsheets part it at commas, quote the parts and pad it."""
    line = line.strip()
    written = [line.rstrip(",;\t")]
    if line.startswith('"'):
        for mark in _MARKS:
            cells = next(csv.reader([line], delimiter=mark), [])
            written.append(",".join(cells).rstrip(",;\t"))
    for one in written:
        meta = parse(one.removeprefix("#"))
        if meta is not None:
            return meta
    return None


@contextlib.contextmanager
def _cells_of_any_length() -> Iterator[None]:
    """Python's reader takes no cell beyond 128 KiB, if it is not told to."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)
