"""A search drawn: what was sought trial by trial, over each axis, and how much hangs on each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.plot.logarithmic_axes import set_logarithmic
from spikelearn.plot.style import COLOURS, say_nothing_to_draw, styled
from spikelearn.report.pictures import panels
from spikelearn.report.sweep_figures import label_with_unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_AXES = 10
_COLUMNS = 3


@styled()
def search_figure(
    history: pd.DataFrame,
    axes: Sequence[str],
    sought: str,
    importances: Mapping[str, float],
    logarithmic: Sequence[str] = (),
) -> Figure:
    """Draw a search.

    Parameters
    ----------
    history : DataFrame
        A row a trial: `trial`, the values, what was sought, and `best` up to there.
    axes : sequence of str
        Columns of values.
    sought : str
        The column of what was sought.
    importances : mapping of str to float
        By column; empty where it is not known.
    logarithmic : sequence of str
        Columns that are drawn so.

    Returns
    -------
    matplotlib.figure.Figure
    """
    shown = list(axes)[:MOST_AXES]
    n = len(shown) + 2
    columns = min(_COLUMNS, n)
    rows = -(-n // columns)
    figure, grid = panels(3.9 * columns, 2.9 * rows, nrows=rows, ncols=columns)
    flat = list(grid.flat)
    for axis in flat[n:]:
        axis.set_visible(False)
    _history(flat[0], history, sought)
    _importances(flat[1], importances)
    for name, axis in zip(shown, flat[2:], strict=False):
        _over(axis, history, name, sought, name in logarithmic)
    if len(axes) > len(shown):
        figure.suptitle(f"{len(axes) - len(shown)} further axes are left out", fontsize=9)
    return figure


def _history(axis: Axes, history: pd.DataFrame, sought: str) -> None:
    axis.set_xlabel("trial")
    axis.set_ylabel(label_with_unit(sought))
    known = history[np.isfinite(history[sought])]
    if not len(known):
        say_nothing_to_draw(axis, "all trials failed")
        return
    axis.plot(known["trial"], known[sought], "o", markersize=3.5, color=COLOURS[0], alpha=0.6)
    axis.step(known["trial"], known["best"], where="post", color=COLOURS[1], label="best so far")
    failed = history[~np.isfinite(history[sought])]
    if len(failed):
        low = np.full(len(failed), known[sought].min())
        axis.plot(failed["trial"], low, "x", markersize=5, color="#8a8a8a", label="failed")
    axis.legend(fontsize=8)


def _importances(axis: Axes, importances: Mapping[str, float]) -> None:
    axis.set_xlabel("importance")
    if not importances:
        say_nothing_to_draw(axis, "too few trials to tell")
        return
    names = sorted(importances, key=lambda name: importances[name])
    places = np.arange(len(names))
    axis.barh(places, [importances[name] for name in names], color=COLOURS[2])
    axis.set_yticks(places, [label_with_unit(name) for name in names], fontsize=8)
    axis.set_xlim(0, 1)


def _over(axis: Axes, history: pd.DataFrame, name: str, sought: str, logarithmic: bool) -> None:
    axis.set_xlabel(label_with_unit(name))
    axis.set_ylabel(label_with_unit(sought))
    known = history[np.isfinite(history[sought])]
    if not len(known):
        say_nothing_to_draw(axis, "all trials failed")
        return
    x: Any = known[name]
    if x.dtype.kind not in "iuf":
        values = list(dict.fromkeys(map(str, x)))
        axis.set_xticks(range(len(values)), values, fontsize=8)
        x = np.array([values.index(str(value)) for value in x])
    if logarithmic:
        set_logarithmic(axis.xaxis, x.min(), x.max())
    drawn = axis.scatter(x, known[sought], c=known["trial"], cmap="viridis", s=14)
    axis.figure.colorbar(drawn, ax=axis, label="trial")
