"""Figures of a study: similarity by rule, layer and region, and against accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spikelearn.plot.names import label
from spikelearn.plot.similarities import (
    PANEL,
    how_to_read,
    line_above_networks,
    name_rows,
    panel_title,
    rows_of,
    similarity_panel,
)
from spikelearn.plot.style import styled
from spikelearn.report.page import svg_of
from spikelearn.report.similarity_tables import best_layers, panels

if TYPE_CHECKING:
    import pandas as pd

_COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#44aa99",
    "#999933", "#332288", "#aa4499", "#661100", "#117733", "#6699cc", "#000000", "#ee8866",
)  # fmt: skip
_MARKERS = ("o", "s", "^", "v", "P", "X")


@styled()
def similarity_figure(scores: pd.DataFrame) -> bytes:
    """Scores by network and layer, a panel for each recording, region and method.

    Each panel has an axis and a noise ceiling of its own. Networks of one kind stand together, the
    untrained one first.
    """
    parts = list(panels(scores))
    rows = rows_of(scores)
    figure, axes = _figure(3.4 + 2.2 * len(parts), rows.inches + 1.6, len(parts), sharey=True)
    for axis, part in zip(axes, parts, strict=True):
        similarity_panel(axis, part, rows.places)
        line_above_networks(axis, rows)
    name_rows(axes[0], rows)
    figure.supxlabel(how_to_read(scores), fontsize=7, x=0.02, ha="left")
    return svg_of(figure)


@styled()
def accuracy_figure(scores: pd.DataFrame, along: pd.DataFrame) -> bytes:
    """Similarity of the best layer against test accuracy; lines: after every epoch of training.

    A panel for each recording, region and method; lines are those of the same method.
    """
    parts = list(panels(scores))
    trained = best_layers(scores).dropna(subset=["test_accuracy"])
    models = list(dict.fromkeys(trained["model"]))
    hues = {model: _COLOURS[i % len(_COLOURS)] for i, model in enumerate(models)}
    datasets = list(dict.fromkeys(trained["dataset"]))
    shapes = {name: _MARKERS[i % len(_MARKERS)] for i, name in enumerate(datasets)}
    one_method = scores["method"].nunique() == 1
    figure, axes = _figure(3.4 * len(parts) + 2.4, 3.8, len(parts), sharey=one_method, sharex=True)
    for axis, part in zip(axes, parts, strict=True):
        for row in _rows(trained[_in_panel(trained, part)]):
            axis.plot(
                100 * row.test_accuracy, row.score, shapes[row.dataset], color=hues[row.model],
                markersize=5, markeredgecolor="white", markeredgewidth=0.5, zorder=3,
            )  # fmt: skip
        if len(along):
            followed = along[_in_panel(along, part)]
            best = followed.groupby(["model", "network", "seed", "epoch"])[
                ["score", "validation_accuracy"]
            ].max()
            for (model, _, _), line in best.groupby(["model", "network", "seed"]):
                axis.plot(
                    100 * line["validation_accuracy"], line["score"],
                    color=hues.get(model, "#5c5c5c"), linewidth=0.8, alpha=0.6,
                )  # fmt: skip
        axis.set_title(panel_title(part), fontsize=9)
        axis.set_xlabel("accuracy, % (marks: test; lines: validation, by epoch)", fontsize=8)
        axis.grid(linewidth=0.3)
    axes[0].set_ylabel("similarity of the best layer")
    if models:
        from matplotlib.lines import Line2D

        shown = [
            *(Line2D([], [], color=hues[m], marker="o", linestyle="", label=label(m))
              for m in models),
            *(Line2D([], [], color="#5c5c5c", marker=shapes[d], linestyle="", label=d)
              for d in datasets if len(datasets) > 1),
        ]  # fmt: skip
        figure.legend(handles=shown, loc="outside right center", fontsize=7, frameon=False)
    return svg_of(figure)


def _rows(table: pd.DataFrame) -> Any:
    return table.itertuples()


def _in_panel(table: pd.DataFrame, part: pd.DataFrame) -> pd.Series:
    """Which rows of a table are of the panel of some others."""
    first = part.iloc[0]
    here = table[PANEL[0]] == first[PANEL[0]]
    for column in PANEL[1:]:
        here &= table[column] == first[column]
    return here


def _figure(
    width: float, height: float, columns: int, sharey: bool, sharex: bool = False
) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    (axes,) = figure.subplots(1, columns, squeeze=False, sharey=sharey, sharex=sharex)
    return figure, axes
