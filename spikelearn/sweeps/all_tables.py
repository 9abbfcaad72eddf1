"""The table of all sweeps in a folder of runs: the rows of each sweep's table, below one another.

Columns: `sweep` (its name), `standing` (whether its runs are those of today's code, or why that is
not known), then those of the tables, see `table`. What another sweep alone has is not known; a
column that holds numbers in one and text in another is text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml
from spikelearn.sweeps.axes import changes_at
from spikelearn.sweeps.description import Sweep
from spikelearn.sweeps.running import DESCRIPTION
from spikelearn.sweeps.simulated import SimulatedRuns
from spikelearn.sweeps.table import TABLE
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
        sweep = Sweep(**read_yaml(folder / DESCRIPTION))
        made: Any = SimulatedRuns(sweep) if sweep.simulate else TrainedRuns(sweep)
        axes = sweep.axes()
        for place, seed, key in _keyed(table, len(sweep.seeds), [len(axis) for axis in axes]):
            today = made.key(changes_at(axes, place), sweep.seeds[seed])
            return CURRENT if today.startswith(key) else STALE  # the table has its beginning
        return "none of its runs was computed"
    except (SpikelearnError, TypeError, ValueError) as error:
        return f"cannot be compared with today's: {' '.join(str(error).split())[:200]}"


def _keyed(
    table: pyarrow.Table, n_seeds: int, sizes: Sequence[int]
) -> list[tuple[tuple[int, ...], int, str]]:
    """Place on the axes, number of the seed, and key of the first run that has one."""
    for number, key in zip(table["run"].to_pylist(), table["key"].to_pylist(), strict=True):
        if key:
            rest, seed = divmod(int(number), n_seeds)
            place: list[int] = []
            for size in reversed(sizes):
                rest, at = divmod(rest, size)
                place.insert(0, at)
            return [(tuple(place), seed, str(key))]
    return []


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
