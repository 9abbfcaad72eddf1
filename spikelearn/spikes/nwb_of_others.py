"""NWB files as the format says, by whatever program: spike times, and intervals that are trials.

Of a units table nothing but spike times is needed. A table of intervals (`trials`, `epochs`, or
one of its own name) becomes the trials where it is named; else the whole session is one. All trials
of an activity last alike: where intervals differ, the shortest counts, or what is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.spikes.of_others import DEFAULT_DT_MS, column, duration, note

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity
    from spikelearn.spikes.of_others import Given

_TIMES = ("spike_times", "obs_intervals")


def read(file: Any, given: Given) -> Activity:
    """The activity that an open NWB file holds.

    Parameters
    ----------
    file : pynwb.NWBFile
    given : mapping
        What was said of it.

    Raises
    ------
    SpikelearnError
        If it holds no spike times, or not what was asked for.
    """
    from spikelearn.spikes.activity import Activity

    notes: list[str] = []
    units = _units(file, notes)
    trains = _spike_times(units, notes)
    observed = _observed(units)
    starts, length, labels, chosen = _trials(file, given, trains, observed, notes)
    _note_unobserved(observed, starts, length, units, notes)
    populations = {
        name: _cut([trains[i] for i in members], starts, length)
        for name, members in _members(units, given, notes).items()
    }
    _note_spikes(trains, starts, length, notes)
    _note_left_out(file, units, given, chosen, notes)
    note(notes)
    resolution = 1000 * float(getattr(units, "resolution", None) or 0)
    ids = [int(i) for i in units.id[:]]
    return Activity(
        populations,
        duration_ms=length,
        dt_ms=resolution if resolution > 0 else DEFAULT_DT_MS,
        n_trials=len(starts),
        labels=tuple(labels),
        provenance={
            "format": "NWB",
            "identifier": str(file.identifier),
            "session_start_time": str(file.session_start_time),
            "unit_ids": ids,
            "onsets_ms": [float(t) for t in starts],
            "notes": notes,
        },
    )


def _units(file: Any, notes: list[str]) -> Any:
    """The table of units: the file's own, or else one of a module of processed data.

    Raises
    ------
    SpikelearnError
        If there is none with spike times.
    """
    from pynwb.misc import Units

    found = [("", file.units)] if file.units is not None else []
    for name, module in (file.processing or {}).items():
        inside = module.data_interfaces.values()
        found += [(f"{name}/{its.name}", its) for its in inside if isinstance(its, Units)]
    if not found:
        raise SpikelearnError("it holds no table of units, and so no spike trains")
    usable = [(where, its) for where, its in found if len(its) and "spike_times" in its.colnames]
    if not usable:
        units = found[0][1]
        if not len(units):
            raise SpikelearnError("it holds a table of units without rows, and so no spike trains")
        raise SpikelearnError(
            f"its units have no spike_times (their columns are {', '.join(units.colnames)})"
        )
    where, units = usable[0]
    if where:
        notes.append(f"the units are those of {where}")
    others = [name or "units" for name, its in usable[1:]]
    if others:
        notes.append(f"left out: units of {', '.join(others)}")
    return units


def _lists(units: Any, name: str) -> list[np.ndarray]:
    """A column whose cells are lists of numbers, read in one piece."""
    column = units[name]
    if not hasattr(column, "target"):  # a number a row
        return [np.atleast_1d(cell) for cell in np.asarray(column.data[:], dtype=np.float64)]
    values = np.asarray(column.target.data[:], dtype=np.float64)
    return np.split(values, np.asarray(column.data[:], dtype=np.int64)[:-1])


def _spike_times(units: Any, notes: list[str]) -> list[np.ndarray]:
    """Spike times in ms of every unit; what pads lists to one length is no spike."""
    trains = [1000.0 * times.ravel() for times in _lists(units, "spike_times")]
    known = [np.isfinite(times) for times in trains]
    missing = sum(int((~its).sum()) for its in known)
    if missing:
        notes.append(f"{missing} spike times are no numbers, and are left out")
    return [times[its] for times, its in zip(trains, known, strict=True)]


def _observed(units: Any) -> list[np.ndarray] | None:
    """Intervals in ms in which each unit was observed; None where the file does not say."""
    if "obs_intervals" not in units.colnames:
        return None
    return [1000.0 * spans.reshape(-1, 2) for spans in _lists(units, "obs_intervals")]


def _tables(file: Any) -> dict[str, Any]:
    """Tables of time intervals by name."""
    tables = dict(file.intervals or {})
    for name in ("trials", "epochs"):
        if getattr(file, name, None) is not None:
            tables[name] = getattr(file, name)
    return tables


def _trials(
    file: Any,
    given: Given,
    trains: list[np.ndarray],
    observed: list[np.ndarray] | None,
    notes: list[str],
) -> tuple[np.ndarray, float, list[str], str | None]:
    """Onsets in ms, duration in ms, labels, and the table they are from."""
    tables = _tables(file)
    name = given.get("trials")
    if name is None:
        for option in ("onset", "label"):
            if option in given:
                raise SpikelearnError(f"{option} is of trials; name their table by trials")
        start, length = _session(given, trains, observed, tables, notes)
        return np.array([start]), length, ["session"], None
    if name not in tables:
        raise SpikelearnError(f"it has no table of intervals '{name}'; {nearest(name, tables)}")
    table = tables[name]
    what = f"its table {name}"
    onset = column(given.get("onset", "start_time"), table.colnames, what)
    starts = 1000.0 * np.asarray(table[onset][:], dtype=np.float64)
    stops = 1000.0 * np.asarray(table[column("stop_time", table.colnames, what)][:], dtype=float)
    labels = _labels(table, given, what)
    known = np.isfinite(starts)
    if not known.all():
        n_unknown = counted((~known).sum(), "row")
        notes.append(f"{n_unknown} of {name} without {onset}, not taken for trials")
        starts, stops = starts[known], stops[known]
        labels = [its for its, is_known in zip(labels, known, strict=True) if is_known]
    if not len(starts):
        raise SpikelearnError(f"{what} has no row with a time in {onset}")
    lengths = stops - starts
    if "duration_ms" in given:
        return starts, duration(-np.inf, given["duration_ms"], notes), labels, name
    shortest = float(lengths[np.isfinite(lengths)].min(initial=np.inf))
    if not 0 < shortest < np.inf:
        raise SpikelearnError(
            f"{what} has an interval that ends before its {onset}; give duration_ms (--duration)"
        )
    longest = float(lengths[np.isfinite(lengths)].max())
    if longest - shortest > 1.0:
        notes.append(
            f"{name} last {shortest:.10g} to {longest:.10g} ms; read are the first"
            f" {shortest:.10g} ms of each (duration_ms, --duration)"
        )
    return starts, round(shortest, 6), labels, name


def _labels(table: Any, given: Given, what: str) -> list[str]:
    if "label" not in given:
        return [str(i) for i in range(len(table))]
    values = table[column(given["label"], table.colnames, what)]
    return [_text(values[i]) for i in range(len(table))]


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(_text(one) for one in value)
    return str(value)


def _session(
    given: Given,
    trains: list[np.ndarray],
    observed: list[np.ndarray] | None,
    tables: Mapping[str, Any],
    notes: list[str],
) -> tuple[float, float]:
    """Where the session starts and how long it lasts, in ms."""
    last = float(max(np.max(times, initial=-np.inf) for times in trains))
    first = float(min(np.min(times, initial=0.0) for times in trains))
    spans = [its for its in observed or [] if its.size and np.isfinite(its).all()]
    if spans and len(spans) == len(trains):
        # Nothing was recorded before all of the units' intervals.
        begun = min(float(its.min()) for its in spans)
        first = min(begun, *(float(np.min(times, initial=begun)) for times in trains))
    if first < 0:
        notes.append(f"the first spike comes at {first:g} ms; times are counted from there")
    elif first > 0:
        notes.append(f"units are observed from {first:.10g} ms on; times are counted from there")
    if "duration_ms" in given:
        return first, duration(last - first, given["duration_ms"], notes)
    stops = [np.asarray(t["stop_time"][:], dtype=np.float64) for t in tables.values()
             if "stop_time" in t.colnames]  # fmt: skip
    ends = [1000.0 * float(its[np.isfinite(its)].max()) for its in stops
            if np.isfinite(its).any()]  # fmt: skip
    said = [float(its.max()) for its in spans]
    if not said and last > max(ends, default=-np.inf):  # it went on behind its intervals
        return first, duration(last - first, None, notes)
    end = max([*said, *ends, last])
    if not said:
        notes.append(f"the session is taken to end with its last interval, at {end:.10g} ms")
    # A spike at the very end is within.
    return first, float(np.nextafter(end - first, np.inf)) if end == last else end - first


def _members(units: Any, given: Given, notes: list[str]) -> dict[str, list[int]]:
    """Rows of the units of each population."""
    name = given.get("populations")
    if name is None:
        texts = [c for c in units.colnames if c not in _TIMES and _is_text(units, c)]
        if "electrodes" in units.colnames:
            texts.append("electrodes (their location)")
        if texts:
            notes.append(
                f"all units are one population, 'units'; {', '.join(texts)} could name theirs"
                " (populations, --populations)"
            )
        return {"units": list(range(len(units)))}
    if name in ("electrodes", "location") and name not in set(units.colnames) - {"electrodes"}:
        column("electrodes", units.colnames, "its table of units")
        names = _regions(units["electrodes"])
    else:
        values = units[column(name, units.colnames, "its table of units")]
        cells = values if hasattr(values, "target") else values[:]
        names = [_text(getattr(cells[i], "name", cells[i])) for i in range(len(units))]
    members: dict[str, list[int]] = {}
    for row, own in enumerate(names):
        members.setdefault(own or "unnamed", []).append(row)
    return members


def _is_text(units: Any, name: str) -> bool:
    first = units[name][0]
    return isinstance(first, str) or hasattr(first, "location")


def _regions(electrodes: Any) -> list[str]:
    """Where the electrodes of each unit are; of several places, all."""
    region = electrodes.target if hasattr(electrodes, "target") else electrodes
    where = column("location", region.table.colnames, "its table of electrodes")
    places = [_text(place) for place in region.table[where][:]]
    rows = np.asarray(region.data[:], dtype=np.int64)
    ends = np.asarray(electrodes.data[:], dtype=np.int64) if region is not electrodes else None
    of_units = np.split(rows, ends[:-1]) if ends is not None else [rows[i : i + 1] for i in
                                                                   range(len(rows))]  # fmt: skip
    return [" and ".join(dict.fromkeys(places[row] for row in its)) for its in of_units]


def _cut(trains: list[np.ndarray], starts: np.ndarray, length: float) -> PopulationSpikes:
    """Spikes of every trial, in ms from its onset; a spike may lie in several that overlap."""
    times, senders, trials = [np.empty(0)], [], []
    for neuron, train in enumerate(trains):
        ordered = np.sort(train)
        first = np.searchsorted(ordered, starts, "left")
        counts = np.maximum(np.searchsorted(ordered, starts + length, "left") - first, 0)
        which = np.repeat(np.arange(len(starts)), counts)
        # The first of each trial, and those that follow it.
        places = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        times.append(ordered[places] - starts[which])
        senders.append(np.full(which.size, neuron))
        trials.append(which)
    return PopulationSpikes.from_unsorted(
        len(trains),
        np.concatenate(times),
        np.concatenate([np.empty(0, dtype=np.int64), *senders]),
        np.concatenate([np.empty(0, dtype=np.int64), *trials]),
    )


def _note_spikes(
    trains: list[np.ndarray], starts: np.ndarray, length: float, notes: list[str]
) -> None:
    """Say how many spikes lie in no trial, and how many in several that overlap."""
    times = np.concatenate(trains)
    begun = np.searchsorted(np.sort(starts), times, "right")
    ended = np.searchsorted(np.sort(starts) + length, times, "right")
    for n, words in (
        (int((begun == ended).sum()), "lie in no trial, and are left out"),
        (int((begun - ended > 1).sum()), "lie in trials that overlap, and stand in each of them"),
    ):
        if n:
            notes.append(f"{n} of {counted(times.size, 'spike')} {words}")


def _note_unobserved(
    observed: list[np.ndarray] | None,
    starts: np.ndarray,
    length: float,
    units: Any,
    notes: list[str],
) -> None:
    """Say which units were not observed throughout: their silence there is none."""
    if observed is None:
        return
    missing = {}
    for row, spans in enumerate(observed):
        inside = np.zeros(len(starts), dtype=bool)
        for begin, end in spans:
            inside |= (starts >= begin - 1e-6) & (starts + length <= end + 1e-3)
        if not inside.all():
            missing[int(units.id[row])] = int((~inside).sum())
    if missing:
        shown = ", ".join(f"{unit} ({n})" for unit, n in list(missing.items())[:5])
        rest = " ..." if len(missing) > 5 else ""
        notes.append(
            f"{len(missing)} of {len(observed)} units were not observed throughout every trial (by"
            f" unit, in how many not: {shown}{rest}); they count as silent there"
        )


def _note_left_out(
    file: Any, units: Any, given: Given, chosen: str | None, notes: list[str]
) -> None:
    """Say which tables, columns and series were not read."""
    tables = {n: len(t) for n, t in _tables(file).items() if n != chosen}
    if tables:
        listed = ", ".join(f"{name} ({counted(rows, 'row')})" for name, rows in tables.items())
        notes.append(f"not read as trials: {listed} (trials, --trials)")
    used = {*_TIMES, given.get("populations", "")}
    columns = [name for name in units.colnames if name not in used]
    parts = [f"columns {', '.join(columns)} of the units"] if columns else []
    for group in ("acquisition", "stimulus", "processing", "analysis", "scratch"):
        names = list(getattr(file, group, None) or {})
        if names:
            parts.append(f"{group} ({', '.join(names)})")
    if parts:
        notes.append(f"left out: {'; '.join(parts)}")
