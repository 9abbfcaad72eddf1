"""Tables of a page: text set for readers, with what each cell is sorted by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

# What stands where there is no value; rows without one are last, whichever way they are sorted.
EMPTY = ("", "–", "-", "not run", "not tested")
_NUMBER = re.compile(
    r"[<>≤≥~]?\s*(?P<value>[+−-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[+−-]?\d+)?)(?=$|[\s%,;)±·×])", re.I
)


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    title, caption : str
    columns : tuple of str
    numeric : tuple of bool
        Which columns are set flush right.
    rows : tuple of tuple of str
    notes : tuple of str
        Below it.
    by : str
        The column by which its rows stand, the highest first; "" where they stand otherwise.
    """

    title: str
    caption: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    by: str = ""

    @property
    def values(self) -> tuple[tuple[float | None, ...] | None, ...]:
        """Of each column the numbers that its rows are sorted by; None where they are words."""
        return tuple(numbers_of(column) for column in zip(*self.rows, strict=True))


def numbers_of(cells: Sequence[str]) -> tuple[float | None, ...] | None:
    """The number that each cell begins with, None for an empty one.

    None alone where one of them begins with something else, or all are empty.

    Parameters
    ----------
    cells : sequence of str
        Of one column, such as "−0.050 to 0.020", "96.1 ± 0.3", "1,234" or "< 0.001".
    """
    values: list[float | None] = []
    for cell in cells:
        words = cell.strip()
        found = _NUMBER.match(words)
        if words in EMPTY:
            values.append(None)
        elif found is None:
            return None
        else:
            value = float(found["value"].replace(",", "").replace("−", "-"))
            # Less than a number comes before the number itself.
            below = {"<": -np.inf, ">": np.inf}.get(words[0])
            values.append(value if below is None else float(np.nextafter(value, below)))
    return None if all(value is None for value in values) else tuple(values)


def as_table(
    frame: pd.DataFrame, title: str, caption: str, notes: Sequence[str] = (), by: str = ""
) -> Table:
    """A frame as a table to be shown.

    Parameters
    ----------
    frame : DataFrame
        Cells are text, or numbers, of which three decimals are shown.
    title : str
        What a reader of the page without eyes hears, and what stands on a fold.
    caption : str
        What stands above it.
    notes : sequence of str
        What stands below it.
    by : str, optional
        A column of numbers: the row with the highest comes first, those without one last.
    """
    numeric = tuple(frame[c].dtype.kind in "fi" or c in _RIGHT for c in frame.columns)
    rows = [tuple(_cell(v) for v in row) for row in frame.itertuples(index=False)]
    columns = tuple(str(c) for c in frame.columns)
    if by:
        numbers = numbers_of([row[columns.index(by)] for row in rows])
        by = by if numbers else ""
        known = [-np.inf if value is None else value for value in numbers or ()]
        rows = [rows[i] for i in sorted(range(len(known)), key=lambda i: -known[i])] or rows
    return Table(title, caption, columns, numeric, tuple(rows), tuple(notes), by)


# Columns of numbers that are already text.
_RIGHT = {
    "test accuracy (%)", "validation accuracy (%)", "test images", "weights moved by",
    "dead units (%)", "cosine with backpropagation", "score", "95 % interval", "noise ceiling",
    "spikes, first", "spikes, second", "the same in both", "lag (ms)", "van Rossum distance",
    "correlation", "rate (Hz)", "recorded rate (Hz)",
}  # fmt: skip


def _cell(value: Any) -> str:
    return fixed(value, 3) if isinstance(value, float | np.floating) else str(value)


def fixed(value: float | np.floating, digits: int) -> str:
    """A number with so many decimals and a true minus; a dash where there is none."""
    return "–" if not np.isfinite(value) else f"{value:.{digits}f}".replace("-", "−")


def mean_and_spread(values: pd.Series, scale: float = 1.0, digits: int = 3) -> str:
    """Mean and standard deviation over seeds, in words; NaN are left out.

    Parameters
    ----------
    values : Series
        One a seed.
    scale : float
        By which they are multiplied first: 100 for percent.
    digits : int
        Decimals.
    """
    known = values.dropna() * scale
    if known.empty:
        return "–"
    text = f"{known.mean():.{digits}f}"
    if len(known) > 1:
        text += f" ± {known.std(ddof=1):.{digits}f}"
    return text.replace("-", "−")
