"""Tables of text as spreadsheets, simulators and laboratories write them.

Cells part at tabs, semicolons, commas, bars or blanks, whichever makes numbers of the first lines;
decimal commas are read as points. Comments begin with #, % or //; the last
of them may name the columns, as NumPy writes it. Text is UTF-8 or UTF-16, else Windows-1252.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spikelearn._errors import SpikelearnError

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMENTS = ("#", "%", "//")
_MARKS = ("\t", ";", ",", "|", " ")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
# What is packed into less than it is: more of it is more than a table of spikes that fits here.
_MOST_BYTES = 2**29


class Table(NamedTuple):
    """Cells by column; columns without names are numbered from 1."""

    columns: dict[str, list[str]]
    named: bool
    lines: list[int]
    notes: list[str]

    def numbers(self, name: str) -> np.ndarray:
        """A column as numbers.

        Raises
        ------
        SpikelearnError
            Naming the first line where there is none.
        """
        cells = self.columns[name]
        with contextlib.suppress(ValueError):
            numbers = np.array([number(cell) for cell in cells], dtype=np.float64)
            if np.isfinite(numbers).all():
                return numbers
        lines = [n for n, c in zip(self.lines, cells, strict=True) if not _is_finite(c)]
        cell = cells[self.lines.index(lines[0])]
        more = f", and {len(lines) - 1} more such lines" if len(lines) > 1 else ""
        raise SpikelearnError(
            f"line {lines[0]} has no number in the column '{name}', found '{cell:.40}'{more}"
        )


def decoded(path: Path) -> tuple[str, list[str]]:
    """The text of a file, packed by gzip or not, and what is to be said of it.

    Raises
    ------
    SpikelearnError
        If it unpacks to more than is read.
    """
    if path.suffix.lower() == ".gz":
        with gzip.open(path) as packed:
            data = packed.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise SpikelearnError(f"it unpacks to more than {_MOST_BYTES / 2**20:.0f} MiB")
    else:
        data = path.read_bytes()
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(name).removeprefix("\ufeff"), []
    start = data[:400]
    if len(start) > 1 and start[1::2].count(0) > len(start) / 4:
        return data.decode("utf-16-le"), []
    if start.count(0):
        raise SpikelearnError("it holds no text")
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), ["it is no UTF-8, and is read as Windows-1252"]


def read(text: str, is_header: Callable[[Sequence[str]], bool], notes: Sequence[str] = ()) -> Table:
    """The columns of a table.

    Parameters
    ----------
    text : str
        The whole table.
    is_header : callable
        Whether cells of a comment are names of the columns below it.
    notes : sequence of str
        What is to be said of it already.

    Raises
    ------
    SpikelearnError
        Naming the line that is not as the others.
    """
    said = list(notes)
    numbered: list[tuple[int, str]] = []
    comment, mark = "", ""
    for n, line in enumerate(text.splitlines(), 1):
        plain = line.strip()
        declared = re.fullmatch(r"sep=(.)", plain) if not numbered else None
        if declared:
            mark = declared.group(1)
        elif plain.startswith(_COMMENTS):
            comment = comment if numbered else plain.lstrip("#%/ ")
        elif plain:
            numbered.append((n, line))
    if not numbered:
        raise SpikelearnError("it holds no line of a spike")
    mark = mark or _mark([line for _, line in numbered[:3]])
    rows = [(n, _cells(line, mark)) for n, line in numbered]
    first = rows[0][1]
    while len(first) > 1 and not first[-1]:  # a mark at the end of every line
        first = first[:-1]
    names = None if all(map(is_number, first)) else rows.pop(0)[1]
    if names is None and comment:
        above = _cells(comment, mark if mark in comment else _mark([comment]))
        names = above if len(above) == len(first) and is_header(above) else None
    width = len(names) if names is not None else len(first)
    for i, (n, cells) in enumerate(rows):
        if len(cells) > width and not any(cells[width:]):
            rows[i] = n, cells[:width]
        elif len(cells) != width:
            raise SpikelearnError(
                f"line {n} has {len(cells)} cells where others have {width}, found"
                f" {','.join(cells):.80}"
            )
    columns = _named(names, [cells for _, cells in rows], width)
    if any(map(_is_comma, (cell for its in columns.values() for cell in its))):
        said.append("commas are read as decimal points")
    return Table(columns, names is not None, [n for n, _ in rows], said)


def _named(names: list[str] | None, rows: list[list[str]], width: int) -> dict[str, list[str]]:
    """Cells by column, without those that a header leaves nameless, as pandas does its index."""
    if names is None:
        names = [str(i + 1) for i in range(width)]
    places = [i for i, name in enumerate(names) if name]
    for i in places:
        if names.index(names[i]) != i:
            raise SpikelearnError(f"two of its columns are called '{names[i]}'")
    return {names[i]: [cells[i] for cells in rows] for i in places}


def _mark(lines: list[str]) -> str:
    """What parts the cells: the first mark that makes numbers of the last of the first lines."""
    fallback = ""
    for mark in _MARKS:
        cells = [_cells(line, mark) for line in lines]
        if len(cells[-1]) < 2 or len({len(one) for one in cells}) > 1:
            continue
        fallback = fallback or mark
        if sum(map(is_number, cells[-1])) > 1:
            return mark
    return fallback or next((mark for mark in _MARKS if mark in lines[0]), " ")


def _is_comma(cell: str) -> bool:
    return _DECIMAL_COMMA.fullmatch(cell) is not None


def _cells(line: str, mark: str) -> list[str]:
    if mark == " ":
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line.strip(" ")], delimiter=mark), [])]


def number(cell: str) -> float:
    """The number that a cell holds, with a decimal point or comma.

    Raises
    ------
    ValueError
        If it holds none.
    """
    if "_" in cell:  # which Python skips in numbers
        raise ValueError(cell)
    return float(cell.replace(",", ".") if _is_comma(cell) else cell)


def _is_finite(cell: str) -> bool:
    return is_number(cell) and math.isfinite(number(cell))


def is_number(cell: str) -> bool:
    """Whether a cell holds a number."""
    try:
        number(cell)
    except ValueError:
        return False
    return True
