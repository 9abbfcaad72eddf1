"""The table of a sweep: a row a run, or one for each of its populations, written piece by piece.

Columns: `run` (its number), those of the axes, `seed`, `population` (of simulations), the measures,
`failed` (why, in a sentence; empty where a run did not), `notes` (what the run warned of), `key`,
`spikes` or `folder` (where its files are, below the folder of runs), and what differs from machine
to machine: `seconds`, `machine`, `time`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._atomic import atomic_path
from spikelearn._keys import content_key, plain
from spikelearn._small_results import SmallResults
from spikelearn.sweeps.axes import Axis
from spikelearn.sweeps.description import Sweep
from spikelearn.sweeps.measures import measure_name
from spikelearn.sweeps.plan import Plan, Run

if TYPE_CHECKING:
    import pyarrow

TABLE = "table.parquet"
# What is other on another machine or day, and no part of what is compared.
VARYING = ("seconds", "machine", "time")
_TOGETHER = 4096  # rows of a piece
_NOT_COMPUTED = "it was not computed"
_TEXTS = ("flag",)


def write_sweep_table(
    folder: Path, sweep: Sweep, runs: Any, plan: Plan, results: SmallResults
) -> dict[str, tuple[int, str]]:
    """Write the table of all runs, and tell why some of them failed.

    Parameters
    ----------
    folder : Path
        Of the sweep.
    sweep : Sweep
    runs : SimulatedRuns or TrainedRuns
    plan : Plan
    results : SmallResults

    Returns
    -------
    dict
        From sentences to how many runs failed so, and the first of these in words.
    """
    import pyarrow
    import pyarrow.parquet

    failed: dict[str, tuple[int, str]] = {}
    as_text = [_as_text(axis) for axis in plan.axes]  # not for each run: axes may be long
    schema = _schema(sweep, plan.axes, as_text, runs.by_population)
    rows: list[dict[str, Any]] = []
    with (
        atomic_path(folder / TABLE, durable=True) as temporary,
        pyarrow.parquet.ParquetWriter(temporary, schema) as writer,
    ):
        for run in plan.runs():
            found = _found(run, results)
            if (why := found.get("failed")) is not None:
                n, first = failed.get(why, (0, said_of(plan, run)))
                failed[why] = (n + 1, first)
            about = _about(sweep, plan, run, found, as_text)
            rows += _rows(sweep, about, found, runs.by_population)
            if len(rows) >= _TOGETHER:
                writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
                rows.clear()
        writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
    return failed


def said_of(plan: Plan, run: Run) -> str:
    """A run in words: its values and its seed."""
    parts = [f"{path} = {_text(value)}" for path, value in plan.changes(run).items()]
    return ", ".join([*parts, f"seed {run.seed}"])


def _found(run: Run, results: SmallResults) -> dict[str, Any]:
    if run.refused:
        return {"failed": run.refused}
    found = results.find(run.key)
    return found if isinstance(found, dict) else {"failed": _NOT_COMPUTED}


def _about(
    sweep: Sweep,
    plan: Plan,
    run: Run,
    found: Mapping[str, Any],
    as_text: Sequence[Sequence[bool]],
) -> dict[str, Any]:
    """What a run is, and how it went."""
    about: dict[str, Any] = {"run": run.number}
    for axis, values, texts in zip(plan.axes, run.values, as_text, strict=True):
        pairs = zip(axis.columns, values, texts, strict=True)
        about |= {c: _text(value) if text else value for c, value, text in pairs}
    return about | {
        "seed": run.seed,
        "failed": found.get("failed", ""),
        "notes": "; ".join(found.get("notes", ())),
        "key": run.key[:20],
        "folder": found.get("folder", ""),
        "spikes": found.get("spikes", "") if sweep.keep_spikes else "",
        "seconds": found.get("seconds", float("nan")),
        "machine": found.get("machine", ""),
        "time": found.get("time", ""),
    }


def _rows(
    sweep: Sweep, about: dict[str, Any], found: Mapping[str, Any], by_population: bool
) -> Iterator[dict[str, Any]]:
    """The rows of a run: what it is, with what was measured."""
    names = [measure_name(measure) for measure in sweep.measured()]
    if not by_population:
        yield about | {name: _value(name, found, None, "") for name in names}
        return
    populations = found.get("populations") or [""]
    for place, population in enumerate(populations):
        measured = {name: _value(name, found, place, population) for name in names}
        yield about | {"population": population} | measured


def _value(name: str, found: Mapping[str, Any], place: int | None, population: str) -> Any:
    """What was measured of a run, or of the population at a place."""
    nothing = "" if name in _TEXTS else float("nan")
    own = found.get("own", {})
    if name in own:
        given = own[name]
        return given.get(population, nothing) if isinstance(given, Mapping) else given
    value = found.get("found", {}).get(name)
    if isinstance(value, list):
        value = value[place] if place is not None and place < len(value) else None
    return nothing if value is None else value


def _schema(
    sweep: Sweep, axes: Sequence[Axis], as_text: Sequence[Sequence[bool]], by_population: bool
) -> pyarrow.Schema:
    import pyarrow

    text, number = pyarrow.string(), pyarrow.float64()
    fields: list[tuple[str, Any]] = [("run", pyarrow.int64())]
    for axis, texts in zip(axes, as_text, strict=True):
        for at, (column, is_text) in enumerate(zip(axis.columns, texts, strict=True)):
            fields.append((column, text if is_text else _kind([v[at] for v in axis.values])))
    fields.append(("seed", pyarrow.int64()))
    fields += [("population", text)] if by_population else []
    for measure in sweep.measured():
        name = measure_name(measure)
        fields.append((name, text if name in _TEXTS else number))
    fields += [("failed", text), ("notes", text), ("key", text)]
    fields += [("spikes" if by_population else "folder", text)]
    fields += [("seconds", number), ("machine", text), ("time", text)]
    return pyarrow.schema(fields)


def _as_text(axis: Axis) -> list[bool]:
    """Whether values of each path stand in the table as text."""
    return [_kind([v[at] for v in axis.values]) is None for at in range(len(axis.paths))]


def _kind(values: Sequence[Any]) -> Any:
    """The type of a column; None where values are not all numbers, or all true or false."""
    import pyarrow

    if all(isinstance(value, bool) for value in values):
        return pyarrow.bool_()
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        return None
    if all(isinstance(value, int) and abs(value) < 2**63 for value in values):
        return pyarrow.int64()
    return pyarrow.float64()


def _text(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if hasattr(value, "dtype") or hasattr(value, "model_dump"):  # too long for a line
        what = getattr(value, "name", None) or "array"
        return f"{what} {content_key(value, 8)}"
    return json.dumps(plain(value))
