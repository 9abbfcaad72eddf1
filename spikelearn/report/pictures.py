"""What the picture files of an activity share: formats, style and writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._atomic import atomic_path, check_place
from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
# The same command makes the same file.
_DATES = {".svg": ("Date",), ".pdf": ("CreationDate",)}
# Colours that the colour-blind can tell apart (Okabe & Ito 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "svg.hashsalt": "spikelearn",  # identifiers in the file are the same in every run
    "svg.fonttype": "path",
    # User text is never mathematics: a dollar sign is a dollar sign.
    "text.parse_math": False,
}


def check_plot_path(path: str | Path) -> None:
    """Refuse a picture format that cannot be written, or a place where nothing can be.

    Raises
    ------
    SpikelearnError
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise SpikelearnError(f"{path}: a picture is written as {', '.join(SUFFIXES)}")
    check_place(Path(path))


@contextmanager
def styled() -> Iterator[None]:
    """Draw under the report's style, whatever the user's matplotlib settings are."""
    import matplotlib as mpl

    style = {**mpl.rcParamsDefault, **STYLE}
    del style["backend"]  # stays the user's; to set it imports pyplot, which nothing here needs
    with mpl.rc_context(style):
        yield


def panels(width: float, height: float, **grid: Any) -> tuple[Figure, np.ndarray]:
    """A figure and its axes.

    Parameters
    ----------
    width, height : float
        Inches.
    **grid
        Of `Figure.subplots`: nrows, ncols, sharex ...

    Returns
    -------
    (Figure, array of Axes of shape (nrows, ncols))
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(squeeze=False, **grid)


def write_picture(figure: Figure, path: str | Path) -> Path:
    """Write a figure in the format of the suffix, without a date, and give back where it is."""
    path = Path(path)
    dates = _DATES.get(path.suffix.lower(), ())
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150, metadata=dict.fromkeys(dates))
    return path


def say_nothing_to_draw(axis: Axes, reason: str) -> None:
    """Leave a panel empty but for the reason."""
    axis.text(0.5, 0.5, reason, transform=axis.transAxes, ha="center", va="center", color="#5c5c5c")
    axis.set_xticks([])
    axis.set_yticks([])
