"""What picture files share: formats, figures and writing. How they look is `spikelearn.plot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._atomic import atomic_path, check_place
from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
# The same command makes the same file.
_DATES = {".svg": ("Date",), ".pdf": ("CreationDate",)}


def check_plot_path(path: str | Path) -> None:
    """Refuse a picture format that cannot be written, or a place where nothing can be.

    Raises
    ------
    SpikelearnError
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise SpikelearnError(f"{path}: a picture is written as {', '.join(SUFFIXES)}")
    check_place(Path(path))


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
