"""The table of all training runs in folders: what decided each, what it measured, how it stands.

Columns: `run` (its name), `folder`, `state` (in a word), `standing` (in words: how it differs from
what would be trained today), `trained` (the day) and `by` (the release); then every field of its
configuration, behind `config.`, of its summary, behind `summary.`, and of what made it, behind
`made.`. A field within another has its path, as config.options.rate or config.network.sizes[1].

Many runs are read once: what their files say is kept in the user's cache folder, by the time and
size of the files. How they stand is found out anew each time, together for those that share a rule,
a model and data.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._atomic import workers_on
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._files import cache_folder
from spikelearn._keys import text_key
from spikelearn._queries import Columns, fitting_rows
from spikelearn._small_results import SmallResults
from spikelearn.training.config import is_run_name
from spikelearn.training.stored_runs import (
    CHECKPOINT,
    TODAYS,
    Standings,
    cannot_compare,
    not_compared,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

CURRENT, STALE, DAMAGED, PARTIAL, RUNNING = "current", "stale", "damaged", "partial", "running"
NOT_COMPARED = "not compared"
FIRST = ("run", "folder", "state", "standing", "trained", "by")
ALWAYS = ("config.rule", "config.model", "config.dataset", "config.seed", "summary.test_accuracy")
USUAL = ("run", "rule", "model", "dataset", "seed", "test_accuracy", "trained", "by", "standing")
CURVE_OF = f".{{}}.{store.CURVE}"  # beside the folder of a run that is not complete
FEW = 50  # runs, which are read as fast as looked up
MOST_ENTRIES = 16  # of a list that has columns of its own
_READ = (store.CONFIG, store.MADE, store.SUMMARY)
Row = dict[str, Any]


def stored_runs(
    folders: Path | Sequence[Path],
    where: str = "",
    sort: Sequence[str] = (),
    columns: Sequence[str] = USUAL,
) -> pd.DataFrame:
    """The training runs in folders, or those that the folders are.

    Parameters
    ----------
    folders : Path or sequence of Path
    where : str
        A condition that they fit, as rule = 'stdp' and test_accuracy > 0.9; see `_queries`.
    sort : sequence of str
        Columns by which they are sorted, with a - before those whose largest comes first.
    columns : sequence of str
        Those that are wanted; all, if empty. A * stands for any letters.

    Returns
    -------
    DataFrame
        One row a run, columns by the names that were given.

    Raises
    ------
    SpikelearnError
        For a column that is not there, with the nearest, and a condition that is none.
    """
    places = [folders] if isinstance(folders, Path) else list(folders)
    table = arrow_table([row for folder in places for row in run_rows(folder)])
    return chosen(table, where, sort, columns)


def chosen(
    table: pyarrow.Table, where: str, sort: Sequence[str], columns: Sequence[str]
) -> pd.DataFrame:
    """The rows and columns of a table that are asked for.

    Parameters
    ----------
    table : pyarrow.Table
    where, sort, columns
        Those of `stored_runs`.
    """
    from fnmatch import fnmatchcase

    import pyarrow

    known = Columns(table.column_names)
    if not columns:
        named = known.short()
    else:
        named = []
        for name in columns:
            fitting = [n for n in known.short() if "*" in name and fnmatchcase(n, name)]
            named += [n for n in fitting or [name] if n not in named]
    places = [known.place(name) for name in named]
    rows = pyarrow.array(fitting_rows(table, where, sort), pyarrow.int64())
    picked = table.select(places).take(rows).rename_columns(named)
    frame: pd.DataFrame = picked.to_pandas()
    for at, name in enumerate(named):  # whole numbers stay so beside what is not known
        if str(picked.schema.field(at).type) == "int64" and frame[name].hasnans:
            frame[name] = picked.column(at).to_pandas(integer_object_nulls=True).astype("Int64")
    return frame


def run_rows(folder: Path) -> Iterator[Row]:
    """A row for each run in a folder, complete or not, or for the run that the folder is."""
    alone = store.is_complete(folder)
    names = [folder.name] if alone else _names_in(folder)
    place = folder.parent if alone else folder
    standings = Standings()
    with _kept_content(place, len(names)) as kept:
        for name in names:
            path = place / name
            about = {"run": name, "folder": str(place)}
            if not store.is_complete(path):
                yield {**about, **unfinished(path)}
            elif not (path / store.CONFIG).is_file() and not store.is_set_aside(path):
                said = not_compared(f"it has no {store.CONFIG}")
                yield {**about, "state": NOT_COMPARED, "standing": said}
            elif store.is_set_aside(path):
                yield {**about, "state": DAMAGED, "standing": "damaged, set aside"}
            else:
                yield {**about, **_complete(path, kept, standings)}


def contents_of(folder: Path) -> Iterator[dict[str, Any]]:
    """What the files of each complete run in a folder say: `config`, `summary`, `made`."""
    names = [n for n in _names_in(folder) if store.is_complete(folder / n)]
    with _kept_content(folder, len(names)) as kept:
        for name in names:
            content = _content(folder / name, kept)
            if "damaged" not in content and not store.is_set_aside(folder / name):
                yield content


def _names_in(folder: Path) -> list[str]:
    """Names of the runs in a folder, sorted: of folders, and of checkpoints without one."""
    found = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                path = Path(entry.path)
                if entry.is_dir() and ((path / store.CONFIG).is_file() or store.is_complete(path)):
                    found.add(entry.name)
            elif entry.name.endswith(CHECKPOINT):
                found.add(entry.name[1:].removesuffix(CHECKPOINT))
            elif entry.name.endswith(f".{store.CURVE}"):
                found.add(entry.name[1:].removesuffix(f".{store.CURVE}"))
    return sorted(n for n in found if not (folder / n).exists() or _is_run(folder / n))


def _is_run(path: Path) -> bool:
    """Whether a folder holds the summary of a run, or is one that was set aside."""
    return store.is_complete(path) or (store.is_set_aside(path) and is_run_name(path.stem))


def unfinished(path: Path) -> Row:
    """How a run stands that is not complete."""
    if store.is_set_aside(path):
        return {"state": DAMAGED, "standing": "damaged, set aside"}
    curve = path.parent / CURVE_OF.format(path.name)
    done = ""
    with contextlib.suppress(OSError, IndexError):
        last = curve.read_text(encoding="utf-8", errors="replace").splitlines()[1:][-1]
        done = f", epoch {last.partition(',')[0]} is done"
    who = workers_on(path)
    if who:
        return {"state": RUNNING, "standing": f"made now by {' and '.join(who)}{done}"}
    kept = (path.parent / f".{path.name}{CHECKPOINT}").is_file()
    words = "interrupted; the same command goes on" if kept else "killed before a checkpoint"
    return {"state": PARTIAL, "standing": f"{words}{done}"}


def _complete(path: Path, kept: SmallResults | None, standings: Standings) -> Row:
    content = _content(path, kept)
    row: Row = {}
    made = content.get("made", {})
    if made:
        row = {"trained": made.get("date"), "by": store.maker(made)}
        row |= flat("made", {k: v for k, v in made.items() if k != store.FILES})
    if "summary" in content:
        row |= flat("summary", content["summary"])
    if "damaged" in content:
        words = content["damaged"]
        state = NOT_COMPARED if cannot_compare(words) else DAMAGED
        return {"state": state, "standing": words, **row}
    standing = standings.of(content["config"], made.get("key"))
    state = CURRENT if standing == TODAYS else STALE
    state = NOT_COMPARED if cannot_compare(standing) else state
    return {"state": state, "standing": standing, **row, **flat("config", content["config"])}


def _content(path: Path, kept: SmallResults | None) -> dict[str, Any]:
    """What the files of a run say, as it was read before where they are as they were."""
    told = []
    for name in _READ:
        with contextlib.suppress(OSError):
            about = (path / name).stat()
            told.append((name, about.st_size, about.st_mtime_ns, about.st_ino))
    key = text_key(json.dumps([path.name, told]), 24)
    if kept is not None and isinstance(found := kept.find(key), dict):
        return found
    content = _as_read(path)
    if kept is not None and "damaged" not in content:
        kept.add(key, content)
    return content


def _as_read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = {}
    try:
        content["made"] = store.made(path)
        content["summary"] = store.read_summary(path)
        content["config"] = store.read_config(path)
        json.dumps(content)
    except store.DamagedResultError as error:
        content["damaged"] = f"damaged: {error}"
    except SpikelearnError as error:  # of a format of another release
        content["damaged"] = not_compared(str(error))
    except (TypeError, ValueError) as error:
        content["damaged"] = str(error)
    return content


@contextlib.contextmanager
def _kept_content(folder: Path, n_runs: int) -> Iterator[SmallResults | None]:
    """What was read of a folder's runs earlier; None where they are few, or nothing can be kept."""
    if n_runs <= FEW:
        yield None
        return
    place = cache_folder() / "run_tables" / f"{text_key(str(folder.resolve()), 16)}.sqlite"
    try:
        kept = SmallResults(place)
    except (SpikelearnError, OSError):
        yield None
        return
    with kept:
        yield kept


def flat(name: str, value: Any) -> Row:
    """Values by their paths: of mappings, and of lists that are short or hold mappings."""
    if isinstance(value, Mapping):
        return {k: v for n, inner in value.items() for k, v in flat(f"{name}.{n}", inner).items()}
    if not isinstance(value, list):
        return {name: value}
    nested = any(isinstance(entry, Mapping) for entry in value)
    found: Row = {} if nested else {name: _as_text(value)}
    if len(value) <= MOST_ENTRIES:
        for at, entry in enumerate(value):
            found |= flat(f"{name}[{at}]", entry)
    return found


def _as_text(value: list[Any]) -> str:
    text = json.dumps(value)
    return text if len(text) <= 1000 else f"{counted(len(value), 'value')}, {text_key(text, 8)}"


def arrow_table(rows: Sequence[Row]) -> pyarrow.Table:
    """The rows as a table: columns in the order in which they are met, those of every run first.

    A column has one type: whole numbers, numbers, truths, or text where there are several. NaN is
    not known, as what a run does not have.
    """
    import pyarrow

    names = list(dict.fromkeys([*FIRST, *ALWAYS, *(name for row in rows for name in row)]))
    kinds = ("config.", "summary.", "made.")
    rank = {kind: at for at, kind in enumerate(kinds)}
    names.sort(key=lambda n: -1 if n in FIRST else rank.get(f"{n.partition('.')[0]}.", 0))
    arrays = [_column([row.get(name) for row in rows]) for name in names]
    return pyarrow.table(arrays, names=names)


def _column(values: list[Any]) -> pyarrow.Array:
    import pyarrow

    known = [None if isinstance(v, float) and math.isnan(v) else v for v in values]
    types = {type(v) for v in known if v is not None}
    if types <= {bool} and types:
        return pyarrow.array(known, pyarrow.bool_())
    if types <= {int, float} and types:
        small = all(abs(v) < 2**63 for v in known if type(v) is int)
        if types == {int} and small:
            return pyarrow.array(known, pyarrow.int64())
        if small:
            return pyarrow.array([v if v is None else float(v) for v in known], pyarrow.float64())
    texts = [v if v is None or isinstance(v, str) else json.dumps(v) for v in known]
    return pyarrow.array(texts, pyarrow.string())
