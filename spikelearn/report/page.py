"""One HTML page that needs nothing but itself: sections of text, pictures and tables."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._files import write_text
from spikelearn.report.page_tables import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_SCREEN_DPI = 96  # pixels that a browser takes for an inch
_PNG_DPI = 150


@dataclass(frozen=True)
class Picture:
    """A figure to embed: a data address, a description for those who do not see it, a caption."""

    source: str
    alternative: str
    caption: str = ""
    width_px: int | None = None  # of a screen, at which its letters have the size they were set in


@dataclass(frozen=True)
class Section:
    """A part of the page; `points` are listed below its lead, `folded` tables shown on demand.

    Where the points have a title, they are shown on demand too.
    """

    key: str
    title: str
    lead: str
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    folded: list[Table] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    points_title: str = ""


@dataclass(frozen=True)
class About:
    """What stands above the sections of a page and below them.

    Attributes
    ----------
    title : str
    found : sequence of str
        What was found, above all else: the first sentence is what a reader takes along.
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
    found: Sequence[str] = ()
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
    points = re.search(rb'<svg[^>]*? width="([\d.]+)pt"', content)
    width = round(float(points[1]) / 72 * _SCREEN_DPI) if points else None
    return Picture(_address("image/svg+xml", content), alternative, caption, width)


def png_picture(content: bytes, alternative: str, caption: str = "") -> Picture:
    """A figure in PNG, embedded.

    Parameters
    ----------
    content, alternative, caption
        As of `svg_picture`.
    """
    pixels = int.from_bytes(content[16:20], "big")  # of the header, which stands first
    width = round(pixels / _PNG_DPI * _SCREEN_DPI)
    return Picture(_address("image/png", content), alternative, caption, width)


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
    figure.savefig(buffer, format="png", dpi=_PNG_DPI, metadata={"Software": None})
    return buffer.getvalue()
