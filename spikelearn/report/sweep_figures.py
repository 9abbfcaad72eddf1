"""A sweep drawn: lines over one axis, heat maps over two, panels of these over more."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spikelearn.plot.logarithmic_axes import set_logarithmic
from spikelearn.plot.style import pens_of, say_nothing_to_draw, styled
from spikelearn.report.pictures import panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS, MOST_COLUMNS = 12, 6
_MOST_LABELS = 12  # of an axis of a heat map
_UNITS = {
    "_mv_per_ms": "mV/ms", "_per_ms": "1/ms", "_ms": "ms", "_mv": "mV", "_hz": "Hz", "_pa": "pA",
    "_ns": "nS", "_pf": "pF", "_nf": "nF", "_um": "µm",
}  # fmt: skip


def label_with_unit(name: str) -> str:
    """The name of a column as it stands at an axis: its unit in brackets, not in the name."""
    for suffix, unit in _UNITS.items():
        if name.endswith(suffix):
            return f"{_words(name.removesuffix(suffix))} ({unit})"
    return _words(name)


def _words(name: str) -> str:
    # Names within brackets are the user's, and stay as they are written.
    parts = re.split(r"(\[[^\]]*\])", name)
    return "".join(p if p.startswith("[") else p.replace("_", " ") for p in parts)


@styled()
def sweep_figure(
    table: pd.DataFrame, axes: Sequence[Sequence[str]], measures: Sequence[str]
) -> Figure:
    """Draw measures over axes, means over seeds.

    Along one axis they are lines, one for each population, with the 95 % interval of the mean where
    there are several seeds. Two axes are a heat map for each measure and population; further axes
    make columns of panels, of which the first are drawn.

    Parameters
    ----------
    table : DataFrame
        Of a sweep.
    axes : sequence of sequence of str
        Columns of each axis; the first of those that vary together stands for all.
    measures : sequence of str
        Columns of numbers.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = [columns[0] for columns in axes]
    # Values of one kind in one order: the order in which they come.
    order = {name: list(dict.fromkeys(table[name])) for name in names}
    good = table[table["failed"] == ""]
    populations = list(dict.fromkeys(good["population"])) if "population" in good else [""]
    if len(names) < 2:
        return _lines(good, names, order, measures, populations)
    rows = list(itertools.product(measures, populations))
    further = names[2:]
    columns = list(itertools.product(*(order[name] for name in further)))
    n_left_out = max(0, len(rows) - MOST_ROWS) * len(columns)
    n_left_out += max(0, len(columns) - MOST_COLUMNS) * min(len(rows), MOST_ROWS)
    rows, columns = rows[:MOST_ROWS], columns[:MOST_COLUMNS]
    n_rows, n_columns = max(len(rows), 1), max(len(columns), 1)
    figure, grid = panels(3.6 * n_columns + 0.6, 2.9 * n_rows, nrows=n_rows, ncols=n_columns)
    for (measure, population), line in zip(rows, grid, strict=False):
        mine = good[good["population"] == population] if population else good
        values = mine[measure].to_numpy(dtype=float)
        known = values[np.isfinite(values)]
        limits = (known.min(), known.max()) if known.size else (0.0, 1.0)
        for at, axis in zip(columns, line, strict=True):
            part = mine
            for name, value in zip(further, at, strict=True):
                part = part[part[name] == value]
            title = [measure if not population else f"{measure}, {population}"]
            title += [f"{_words(n)} = {_said(v)}" for n, v in zip(further, at, strict=True)]
            _heat_map(figure, axis, part, names[:2], order, measure, limits)
            axis.set_title("\n".join(title))
    if n_left_out:
        figure.suptitle(f"{n_left_out} further panels are left out", fontsize=9, color="#5c5c5c")
    return figure


def _lines(
    table: pd.DataFrame,
    names: Sequence[str],
    order: dict[str, list[Any]],
    measures: Sequence[str],
    populations: Sequence[str],
) -> Figure:
    columns = max(1, min(3, len(measures)))
    rows = max(1, -(-len(measures) // columns))
    figure, grid = panels(3.7 * columns, 2.8 * rows, nrows=rows, ncols=columns)
    flat = list(grid.flat)
    for axis in flat[len(measures) :]:
        axis.set_visible(False)
    for measure, axis in zip(measures, flat, strict=False):
        axis.set_ylabel(label_with_unit(measure))
        drawn = False
        for population, pen in zip(populations, pens_of(len(populations)), strict=True):
            mine = table[table["population"] == population] if population else table
            drawn |= _line(axis, mine, names, order, measure, population, pen)
        if not drawn:
            say_nothing_to_draw(axis, "nothing to draw")
        elif len(populations) > 1:
            axis.legend(fontsize=8)
    return figure


def _line(
    axis: Axes,
    table: pd.DataFrame,
    names: Sequence[str],
    order: dict[str, list[Any]],
    measure: str,
    population: str,
    pen: Mapping[str, Any],
) -> bool:
    """Draw one population; whether there was something to draw."""
    name = names[0] if names else None
    values = order[name] if name is not None else [""]
    parts = [table[table[name] == v] if name is not None else table for v in values]
    means, half = zip(*(mean_and_half(p[measure].to_numpy(float)) for p in parts), strict=True)
    mean, half_width = np.array(means), np.array(half)
    numeric = all(isinstance(v, int | float | np.number) and not isinstance(v, bool)
                  for v in values) and name is not None  # fmt: skip
    x = np.array(values, dtype=float) if numeric else np.arange(len(values), dtype=float)
    sort = np.argsort(x, kind="stable")
    x, mean, half_width = x[sort], mean[sort], half_width[sort]
    if name is not None:
        axis.set_xlabel(label_with_unit(name))
    if numeric and _is_logarithmic(x):
        set_logarithmic(axis.xaxis, x.min(), x.max())
    if not numeric:
        axis.set_xticks(range(len(values)), [_said(v) for v in values])
    if not np.isfinite(mean).any():
        return False
    axis.errorbar(
        x, mean, yerr=np.where(np.isfinite(half_width), half_width, 0.0), marker="o",
        markersize=3.5, capsize=2, linewidth=1.2 if numeric else 0, elinewidth=1.0,
        label=population or None, **pen,
    )  # fmt: skip
    return True


def mean_and_half(values: np.ndarray) -> tuple[float, float]:
    """Mean over seeds, and half of its 95 % interval; NaN where there is one seed."""
    from scipy.stats import t

    known = values[np.isfinite(values)]
    if not known.size:
        return float("nan"), float("nan")
    if known.size == 1:
        return float(known[0]), float("nan")
    half = t.ppf(0.975, known.size - 1) * known.std(ddof=1) / np.sqrt(known.size)
    return float(known.mean()), float(half)


def _is_logarithmic(x: np.ndarray) -> bool:
    """Whether values are spread over more than a decade, nearer to evenly in their logarithms."""
    if x.size < 3 or x.min() <= 0 or x.max() / x.min() < 10:
        return False
    return bool(np.ptp(np.diff(np.log(x))) / np.log(x[-1] / x[0]) < np.ptp(np.diff(x)) / np.ptp(x))


def _heat_map(
    figure: Figure,
    axis: Axes,
    table: pd.DataFrame,
    names: Sequence[str],
    order: dict[str, list[Any]],
    measure: str,
    limits: tuple[float, float],
) -> None:
    xs, ys = order[names[0]], order[names[1]]
    means = np.full((len(ys), len(xs)), np.nan)
    grouped = table.groupby([names[1], names[0]], sort=False)[measure].mean()
    for at, value in grouped.items():
        y, x = cast(tuple[Any, Any], at)
        means[ys.index(y), xs.index(x)] = value
    axis.set_facecolor("#e4e6e9")  # what is not known
    image = axis.imshow(
        np.ma.masked_invalid(means), origin="lower", aspect="auto", cmap="viridis",
        vmin=limits[0], vmax=limits[1], interpolation="nearest",
    )  # fmt: skip
    for spine in axis.spines.values():
        spine.set_visible(False)
    _ticks(axis.set_xticks, xs)
    _ticks(axis.set_yticks, ys)
    axis.set_xlabel(label_with_unit(names[0]))
    axis.set_ylabel(label_with_unit(names[1]))
    figure.colorbar(image, ax=axis, label=label_with_unit(measure))


def _ticks(set_ticks: Any, values: Sequence[Any]) -> None:
    step = -(-len(values) // _MOST_LABELS)
    places = range(0, len(values), step)
    texts = [_said(values[i]) for i in places]
    crowded = set_ticks.__name__ == "set_xticks" and sum(map(len, texts)) > 40
    set_ticks(list(places), texts, rotation=90 if crowded else 0)


def _said(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
