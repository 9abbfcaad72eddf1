"""One HTML page that needs nothing but itself: sections of text, pictures and tables."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spikelearn._files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A figure to embed: a data address, a description for those who do not see it, a caption."""

    source: str
    alternative: str
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page; `points` are listed below its lead, `folded` tables shown on demand."""

    key: str
    title: str
    lead: str
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    folded: list[Table] = field(default_factory=list)
    points: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class About:
    """What stands above the sections of a page and below them.

    Attributes
    ----------
    title : str
    summary : sequence of str
        Sentences on what was done.
    gaps : sequence of str
        What was left out, and why; shown prominently.
    command : str
        What to type to run it again.
    config : str
        What was run, as YAML.
    versions : mapping of str to str
        Of Python and packages, and where and when it ran.
    citations : sequence of str
        Whom to cite for the data.
    read : sequence of str
        What was read instead of computed, and what lies beside it and was not used.
    """

    title: str = "spikelearn report"
    summary: Sequence[str] = ()
    gaps: Sequence[str] = ()
    command: str = ""
    config: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    citations: Sequence[str] = ()
    read: Sequence[str] = ()


def write_page(path: str | Path, sections: Iterable[Section | None], about: About) -> Path:
    """Write the page.

    The same content gives the same file, byte for byte. Text is escaped.

    Parameters
    ----------
    path : path
        Where the page goes, ending in .html by custom.
    sections : iterable of Section or None
        In the order in which they are read; None, as makers of sections give where they have no
        data, leaves no trace.
    about : About
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    template = environment.get_template("template.html.j2")
    write_text(path, template.render(about=about, sections=[s for s in sections if s is not None]))
    return Path(path)


def svg_picture(content: bytes, alternative: str, caption: str = "") -> Picture:
    """A figure in SVG, embedded.

    Parameters
    ----------
    content : bytes
        The file.
    alternative : str
        Description for those who do not see it.
    caption : str
        What stands below it.
    """
    return Picture(_address("image/svg+xml", content), alternative, caption)


def png_picture(content: bytes, alternative: str, caption: str = "") -> Picture:
    """A figure in PNG, embedded.

    Parameters
    ----------
    content, alternative, caption
        As of `svg_picture`.
    """
    return Picture(_address("image/png", content), alternative, caption)


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def svg_of(figure: Figure) -> bytes:
    """A figure as a file in SVG, the same in every run."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def png_of(figure: Figure) -> bytes:
    """A figure as a file in PNG, the same in every run."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return buffer.getvalue()


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
