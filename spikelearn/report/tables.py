"""Tables of a page, and how numbers are written in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Table:
    """A table as text; `numeric` says which columns are set flush right."""

    title: str
    caption: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def as_table(frame: pd.DataFrame, title: str, caption: str, notes: Sequence[str] = ()) -> Table:
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
    """
    numeric = tuple(frame[c].dtype.kind in "fi" or c in _RIGHT for c in frame.columns)
    rows = tuple(tuple(_cell(v) for v in row) for row in frame.itertuples(index=False))
    columns = tuple(str(c) for c in frame.columns)
    return Table(title, caption, columns, numeric, rows, tuple(notes))


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
