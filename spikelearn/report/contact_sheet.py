"""The stimuli of a recording as thumbnails, numbered and named in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spikelearn.plot.style import styled
from spikelearn.report.pictures import panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 400
"""Of more stimuli the first and the last are shown."""
_SIDE = 96  # pixels of a thumbnail
_LETTERS = 14  # of a name below it


@styled()
def contact_sheet(images: np.ndarray, labels: Sequence[str], columns: int = 10) -> Figure:
    """A figure with one thumbnail for each image, from the upper left on, row by row.

    Parameters
    ----------
    images : uint8 array of shape (n, height, width) or (n, height, width, 3)
    labels : sequence of str
        One each.
    columns : int
        Thumbnails beside each other.
    """
    shown = shown_numbers(len(images))
    columns = min(columns, len(shown))
    n_rows = -(-len(shown) // columns)
    figure, axes = panels(1.1 * columns, 1.35 * n_rows, nrows=n_rows, ncols=columns)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, number in zip(axes.flat, shown, strict=False):
        image = _thumbnail(images[number])
        axis.imshow(image, cmap="gray" if image.ndim == 2 else None, vmin=0, vmax=255)
        axis.set_title(f"{number + 1}. {_short(labels[number])}", fontsize=7, loc="center", pad=2)
    return figure


def shown_numbers(n: int) -> list[int]:
    """Which of `n` stimuli a sheet shows: all, or the first and the last of them."""
    if n <= MOST:
        return list(range(n))
    half = MOST // 2
    return [*range(half), *range(n - half, n)]


def _thumbnail(image: np.ndarray) -> np.ndarray:
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((_SIDE, _SIDE))
    return np.asarray(picture)


def _short(label: str) -> str:
    return label if len(label) <= _LETTERS else f"{label[: _LETTERS - 1]}…"
