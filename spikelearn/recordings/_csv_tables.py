"""Tables of numbers in .csv and .tsv files, with a heading, names of rows, both or neither."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import are_counted, are_numbers

if TYPE_CHECKING:
    from spikelearn.recordings._shown import ShownStimuli

SUFFIXES = (".csv", ".tsv")
MISSING = ("", "na", "n/a", "nan", "null")  # cells that hold no number
UNNAMED = ("", "unnamed: 0")  # how pandas and R head the numbers of rows
OF_STIMULI = ("stimulus", "stimuli", "stim", "image", "picture", "item")
OF_ORDER = ("trial", "order", "index", "row", "position", "presentation", "number", "no", "nr")
FLAGS = ("true", "false")
Cells = list[list[str]]
_LOOKED_AT = 100  # lines, for what parts the cells
_WITH_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")  # a number


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


def read_csv_table(path: Path, stimuli: ShownStimuli, index: bool | None = None) -> NamedTable:
    """The numbers of a table; a first column that names or counts its rows is none of them.

    Parameters
    ----------
    path : Path
    stimuli : ShownStimuli
        Names of rows are among them.
    index : bool, optional
        Whether the first column names or counts the rows; if left out, it is found out.

    Raises
    ------
    SpikelearnError
        If the file cannot be read, a cell is no number, or the first column may be the numbers of
        rows as well as a unit.
    """
    raw = text_table(path, stimuli)
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
        values = np.array([[_number(cell) for cell in row[first:]] for row in body])
    except ValueError as error:
        raise SpikelearnError(f"{path}: {error}") from error
    rows = tuple(row[0] for row in body) if index else None
    if rows is not None:
        rows = names_of_rows(rows, stimuli, path)
    return NamedTable(values, rows, tuple(raw[0][first:]) if headed else None)


def text_table(path: Path, stimuli: ShownStimuli) -> Cells:
    """The cells of a .csv or .tsv file as text, without spaces around them; a row a list.

    Cells of a .csv file are parted by commas; or by semicolons, where all lines have as many of
    them, and then commas within numbers are decimal points.

    Parameters
    ----------
    path : Path
    stimuli : ShownStimuli
        Is told where commas are read as points.

    Raises
    ------
    SpikelearnError
        If it cannot be read.
    """
    import pandas as pd

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        with path.open(encoding="utf-8-sig") as file:
            n_marks = {line.count(";") for line in islice(file, _LOOKED_AT)}
        if separator == "," and len(n_marks) == 1 and n_marks != {0}:
            separator = ";"
        frame = pd.read_csv(path, sep=separator, header=None, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        why = (str(error).strip().splitlines() or [""])[0].removeprefix("Error tokenizing data. ")
        raise SpikelearnError(
            f"{path} is not a readable table ({why.removeprefix('C error: ')})"
        ) from error
    rows = [[str(cell).strip() for cell in row] for row in frame.to_numpy().tolist()]
    if separator == ";" and any(_WITH_COMMA.fullmatch(cell) for row in rows for cell in row):
        stimuli.note(f"{path}: commas are read as decimal points")
        rows = [[_with_point(cell) for cell in row] for row in rows]
    return rows


def _with_point(cell: str) -> str:
    return cell.replace(",", ".") if _WITH_COMMA.fullmatch(cell) else cell


def _is_headed(raw: Cells, stimuli: ShownStimuli, path: Path) -> bool:
    """Whether the first row names the columns."""
    first = raw[0]
    if not all(is_number(cell) or cell.casefold() in MISSING for cell in first[1:]):
        return True
    if is_number(first[0]):
        # Numbers throughout: a heading only where it counts the columns and is one row too many.
        return are_numbers([_plain(cell) for cell in first]) and len(raw) == len(stimuli) + 1
    if first[0].casefold() in UNNAMED:
        return True
    # Numbers behind a name: the first stimulus, or a heading over the names of stimuli.
    return int(stimuli.numbers([first[0]], path)[0]) < 0


def _has_index(raw: Cells, body: Cells, headed: bool, stimuli: ShownStimuli, path: Path) -> bool:
    """Whether the first column names or counts the rows."""
    column = [row[0] for row in body]
    if not all(is_number(cell) or cell.casefold() in MISSING for cell in column):
        return True
    if (stimuli.numbers(column, path) >= 0).all() and len(set(column)) == len(column):
        return True  # stimuli that are called by numbers
    plain = [_plain(cell) for cell in column]
    # A matrix has the same numbers on both sides.
    of_stimuli = headed and (raw[0][1:] == column or _is_headed_as(raw[0][0], OF_STIMULI))
    if of_stimuli and are_numbers(plain):
        return True
    if headed and raw[0][0].casefold() in UNNAMED:
        if are_numbers(plain) and not are_counted(plain):
            raise SpikelearnError(
                f"{path}: the first column holds {column[0]}, {column[1]}, {column[2]} ..., the"
                " numbers of the stimuli, or of the presentations while the rows are in the order"
                " of the stimuli; say `index: true` for the first, remove the column for the second"
            )
        return True
    if len(body[0]) > 1 and len(body) > 2 and are_numbers(plain):
        raise SpikelearnError(
            f"{path}: the first column holds {column[0]}, {column[1]}, {column[2]} ..., the numbers"
            " of the rows or the responses of a unit; say `index: true` or `index: false`"
        )
    return False


def names_of_rows(
    rows: tuple[str, ...], stimuli: ShownStimuli, path: Path
) -> tuple[str, ...] | None:
    """The stimuli that the first column names; None where it only counts the rows.

    Parameters
    ----------
    rows : tuple of str
        The cells of the column.
    stimuli : ShownStimuli
        Is told what is left out.
    path : Path
    """
    plain = [_plain(row) for row in rows]
    known = stimuli.numbers(rows, path) >= 0
    if are_counted(plain) and not known.all():
        stimuli.note(f"{path}: the first column counts the rows and is left out")
        return None
    if are_numbers(plain) and not known.any():
        return stimuli.called_by_number(plain, path)
    return rows


def without_numbers_of_rows(
    values: np.ndarray, columns: tuple[str, ...] | None, path: Path, stimuli: ShownStimuli
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """The columns of units, without those behind the first that number the rows.

    Parameters
    ----------
    values : array of shape (n_rows, n_columns)
    columns : tuple of str or None
        What they are headed.
    path : Path
    stimuli : ShownStimuli
        Is told what is left out.
    """
    kept = []
    for place in range(values.shape[1]):
        heading = columns[place] if columns is not None else ""
        cells = [f"{cell:g}" for cell in values[:, place]]
        numbers = len(cells) > 2 and are_numbers(cells)
        named_so = columns is not None and (
            re.fullmatch(r"(unnamed: \d+)?", heading.casefold()) is not None
            or (numbers and _is_headed_as(heading, OF_ORDER + OF_STIMULI))
        )
        if named_so or (numbers and values.shape[1] > 1 and are_counted(cells)):
            which = f"'{heading}'" if heading else f"{place + 1} of its numbers"
            what = "numbers the rows" if numbers else "has no name"
            stimuli.note(f"{path}: the column {which} {what} and is left out")
        else:
            kept.append(place)
    if not kept:
        raise SpikelearnError(f"{path} holds no responses beside the numbers of its rows")
    return values[:, kept], None if columns is None else tuple(columns[place] for place in kept)


def _is_headed_as(heading: str, words: tuple[str, ...]) -> bool:
    """Whether a heading is one of some words, as in "Image", "image_id" and "trial number"."""
    parts = re.split(r"[\s_\-.]+", heading.strip().casefold())
    return parts[0].rstrip("s") in {word.rstrip("s") for word in words} and (
        set(parts[1:]) <= {"id", "index", "number", "no", "nr", "order"}
    )


def _plain(cell: str) -> str:
    """A cell as a whole number is written, "3.0" as "3"."""
    number = _number(cell) if is_number(cell) else 0.5
    return str(int(number)) if number.is_integer() else cell


def _number(cell: str) -> float:
    return float("nan") if cell.casefold() in MISSING else float(cell)


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, or stands for one that is missing."""
    try:
        _number(cell)
    except ValueError:
        return False
    return cell != ""
