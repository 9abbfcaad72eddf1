"""Tables of numbers in .csv and .tsv files, with a heading, names of rows, both or neither."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import are_counted

if TYPE_CHECKING:
    from spikelearn.recordings._shown import ShownStimuli

SUFFIXES = (".csv", ".tsv")
MISSING = ("", "na", "n/a", "nan", "null")  # cells that hold no number
UNNAMED = ("", "unnamed: 0")  # how pandas and R head the numbers of rows
FLAGS = {"true": "1", "false": "0"}
Cells = list[list[str]]


@dataclass(frozen=True)
class NamedTable:
    """Numbers, and the names beside them where the file has some.

    Parameters
    ----------
    values : array of shape (n_rows, n_columns)
        NaN where a cell is empty.
    rows, columns : tuple of str or None
        Names of the rows (stimuli) and of the columns (units, or stimuli of an RDM).
    """

    values: np.ndarray
    rows: tuple[str, ...] | None
    columns: tuple[str, ...] | None


def read_csv_table(
    path: Path, stimuli: ShownStimuli, index: bool | None = None, flags: bool = False
) -> NamedTable:
    """The numbers of a table; a first column that names or counts its rows is none of them.

    Parameters
    ----------
    path : Path
    stimuli : ShownStimuli
        Names of rows are among them.
    index : bool, optional
        Whether the first column names or counts the rows; if left out, it is found out.
    flags : bool
        Whether cells may be True and False, read as 1 and 0.

    Raises
    ------
    SpikelearnError
        If the file cannot be read, a cell is no number, or the first column may be the numbers of
        rows as well as a unit.
    """
    import pandas as pd

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        frame = pd.read_csv(path, sep=separator, header=None, dtype=str, keep_default_na=False)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise SpikelearnError(f"{path} is not a readable table") from error
    raw: Cells = [[str(cell).strip() for cell in row] for row in frame.to_numpy().tolist()]
    headed = _is_headed(raw, stimuli, path)
    body = raw[1:] if headed else raw
    if not body:
        raise SpikelearnError(f"{path} has a heading and no rows")
    if index is None:
        index = _has_index(raw, body, headed, stimuli, path)
    first = int(index)
    if len(body[0]) == first:
        raise SpikelearnError(f"{path} holds no numbers beside the names of its rows")
    try:
        words = FLAGS if flags else {}
        cells = [[words.get(cell.casefold(), cell) for cell in row[first:]] for row in body]
        values = np.array([[_number(cell) for cell in row] for row in cells])
    except ValueError as error:
        raise SpikelearnError(f"{path}: {error}") from error
    rows = tuple(row[0] for row in body) if index else None
    if rows is not None and _counts_only(rows, stimuli, path):
        stimuli.note(f"{path}: the first column counts the rows and is left out")
        rows = None
    return NamedTable(values, rows, tuple(raw[0][first:]) if headed else None)


def _is_headed(raw: Cells, stimuli: ShownStimuli, path: Path) -> bool:
    """Whether the first row names the columns."""
    first = raw[0]
    if not all(_is_number(cell) or cell.casefold() in MISSING for cell in first[1:]):
        return True
    if _is_number(first[0]):
        # Numbers throughout: a heading only where it counts the columns and is one row too many.
        return are_counted([_plain(cell) for cell in first]) and len(raw) == len(stimuli) + 1
    if first[0].casefold() in UNNAMED:
        return True
    # Numbers behind a name: the first stimulus, or a heading over the names of stimuli.
    return int(stimuli.numbers([first[0]], path)[0]) < 0


def _has_index(raw: Cells, body: Cells, headed: bool, stimuli: ShownStimuli, path: Path) -> bool:
    """Whether the first column names or counts the rows."""
    column = [row[0] for row in body]
    if not all(_is_number(cell) or cell.casefold() in MISSING for cell in column):
        return True
    if (stimuli.numbers(column, path) >= 0).all() and len(set(column)) == len(column):
        return True  # stimuli that are called by numbers
    if headed and raw[0][0].casefold() in UNNAMED:
        return True
    if len(body[0]) > 1 and len(body) > 2 and are_counted([_plain(cell) for cell in column]):
        raise SpikelearnError(
            f"{path}: the first column holds {column[0]}, {column[1]}, {column[2]} ..., the numbers"
            " of the rows or the responses of a unit; say `index: true` or `index: false`"
        )
    return False


def _counts_only(rows: tuple[str, ...], stimuli: ShownStimuli, path: Path) -> bool:
    plain = [_plain(row) for row in rows]
    return are_counted(plain) and not (stimuli.numbers(rows, path) >= 0).all()


def _plain(cell: str) -> str:
    """A cell as a whole number is written, "3.0" as "3"."""
    number = _number(cell) if _is_number(cell) else 0.5
    return str(int(number)) if number.is_integer() else cell


def _number(cell: str) -> float:
    return float("nan") if cell.casefold() in MISSING else float(cell)


def _is_number(cell: str) -> bool:
    try:
        _number(cell)
    except ValueError:
        return False
    return cell != ""
