"""The table of all sweeps in a folder of runs: the rows of each sweep's table, below one another.

Columns: `sweep` (its name), `standing` (whether its runs are those of today's code, or why that is
not known), then those of the tables, see `table`. What another sweep alone has is not known; a
column that holds numbers in one and text in another is text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml
from spikelearn.sweeps.axes import changes_at
from spikelearn.sweeps.description import Sweep, code_named
from spikelearn.sweeps.running import DESCRIPTION
from spikelearn.sweeps.simulated import SimulatedRuns
from spikelearn.sweeps.table import TABLE, _text
from spikelearn.sweeps.trained import TrainedRuns

if TYPE_CHECKING:
    import pyarrow

CURRENT, STALE, DAMAGED = "as today", "of other code or data", "damaged"


def sweep_rows(runs: Path) -> pyarrow.Table:
    """The rows of all sweeps in a folder of runs.

    A table that cannot be read is one row, whose standing says so.
    """
    import pyarrow

    tables = [_table(file.parent) for file in sorted(runs.glob(f"sweeps/*/{TABLE}"))]
    if not tables:
        return pyarrow.table({"sweep": pyarrow.array([], pyarrow.string())})
    mixed = _mixed(tables)
    tables = [_as_text(table, mixed) for table in tables]
    return pyarrow.concat_tables(tables, promote_options="permissive")


def _table(folder: Path) -> pyarrow.Table:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(folder / TABLE).read()
        standing = _standing(folder, table)
    except (pyarrow.ArrowException, OSError) as error:
        table = pyarrow.table({"failed": [" ".join(str(error).split())[:200]]})
        standing = DAMAGED
    for at, (name, value) in enumerate((("sweep", folder.name), ("standing", standing))):
        table = table.add_column(at, name, pyarrow.array([value] * len(table), pyarrow.string()))
    return table


def _standing(folder: Path, table: pyarrow.Table) -> str:
    """Whether the first run has the key that it would have today."""
    try:
        fields = read_yaml(folder / DESCRIPTION)
        if (code := code_named(fields)) is not None:
            return f"not compared with today's: it names {code}, and a look runs no code"
        sweep = Sweep(**fields)
        made: Any = SimulatedRuns(sweep) if sweep.simulate else TrainedRuns(sweep)
        for row in _first_keyed(table):
            today = made.key(_changes(sweep, row), row["seed"])
            return CURRENT if today.startswith(row["key"]) else STALE  # which is its beginning
        return "none of its runs was computed"
    except KeyError as error:  # a table of other axes than the description's, or of none of ours
        return f"cannot be compared with today's: its table is another ({error.args[0]})"
    except (SpikelearnError, TypeError, ValueError) as error:
        return f"cannot be compared with today's: {' '.join(str(error).split())[:200]}"


def _first_keyed(table: pyarrow.Table) -> list[dict[str, Any]]:
    """The first row that has a key, if there is one."""
    at = next((at for at, key in enumerate(table["key"].to_pylist()) if key), None)
    return [] if at is None else table.slice(at, 1).to_pylist()


def _changes(sweep: Sweep, row: Mapping[str, Any]) -> dict[str, Any]:
    """What differs in the run of a row, by path: at its place, or of a search as it stands there.

    Raises
    ------
    ValueError
        If it is none of the sweep's.
    """
    axes = sweep.axes()
    if sweep.search is None:
        rest, place = row["run"] // len(sweep.seeds), [0] * len(axes)
        for at in reversed(range(len(axes))):
            rest, place[at] = divmod(rest, len(axes[at]))
        return changes_at(axes, place)
    changed: dict[str, Any] = {}
    for axis in axes:
        there = [row[column] for column in axis.columns]
        if axis.range is not None:
            changed[axis.paths[0]] = axis.range.value(float(there[0]))
            continue
        fitting = [
            at for at, values in enumerate(axis.values)
            if all(map(_stands_as, values, there))
        ]  # fmt: skip
        if not fitting:
            raise ValueError(f"{', '.join(axis.columns)} of its table is no value of the search")
        changed |= axis.changes(fitting[0])
    return changed


def _stands_as(value: Any, there: Any) -> bool:
    """Whether a value is what stands in a table."""
    return bool(there == _text(value) or (isinstance(value, int | float) and there == value))


def _mixed(tables: Sequence[pyarrow.Table]) -> set[str]:
    """Columns that hold text in one table and something else in another."""
    import pyarrow

    kinds: dict[str, set[str]] = {}
    for table in tables:
        for field in table.schema:
            is_number = pyarrow.types.is_integer(field.type) or pyarrow.types.is_floating(
                field.type
            )
            if not pyarrow.types.is_null(field.type):
                kinds.setdefault(field.name, set()).add("number" if is_number else str(field.type))
    return {name for name, found in kinds.items() if len(found) > 1}


def _as_text(table: pyarrow.Table, names: set[str]) -> pyarrow.Table:
    import json

    import pyarrow

    for name in names & set(table.column_names):
        texts = [
            v if v is None or isinstance(v, str) else json.dumps(v) for v in table[name].to_pylist()
        ]
        column = pyarrow.array(texts, pyarrow.string())
        table = table.set_column(table.column_names.index(name), name, column)
    return table
