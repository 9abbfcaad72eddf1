"""Figures of a study: similarity by rule, layer and region, and against accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spikelearn.plot.names import label
from spikelearn.plot.similarities import (
    how_to_read,
    in_panel,
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


_BESIDE = 3  # panels of similarity in a row: as wide as a page
_BESIDE_ACCURACY = 2


@styled()
def similarity_figure(scores: pd.DataFrame, subjects: pd.DataFrame | None = None) -> bytes:
    """Scores by network and layer, a panel for each recording, region and method.

    Each panel has an axis and a noise ceiling of its own. Networks of one kind stand together, the
    untrained one first.

    Parameters
    ----------
    scores : DataFrame
        Of `similarity_tables.summary`.
    subjects : DataFrame, optional
        Of `spikelearn.plot.similarities.of_subjects`: a dot for each.
    """
    parts = list(panels(scores))
    rows = rows_of(scores)
    columns = min(_BESIDE, len(parts))
    lines = -(-len(parts) // columns)
    figure, axes = _figure(
        3.0 + 2.1 * columns, lines * (rows.inches + 1.1) + 0.5, lines, columns, sharey=True
    )
    for axis, part in zip(axes.flat, parts, strict=False):
        similarity_panel(axis, part, rows.places, subjects)
        line_above_networks(axis, rows)
    for axis in axes.flat[len(parts) :]:
        axis.remove()
    for line in axes:
        name_rows(line[0], rows)
    figure.supxlabel(how_to_read(scores, subjects), fontsize=7, x=0.02, ha="left")
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
    columns = min(_BESIDE_ACCURACY, len(parts))
    lines = -(-len(parts) // columns)
    figure, axes = _figure(
        3.4 * columns + 2.4, 3.4 * lines + 0.4, lines, columns, sharey=one_method, sharex=True
    )
    for axis, part in zip(axes.flat, parts, strict=False):
        for row in _rows(in_panel(trained, part)):
            axis.plot(
                100 * row.test_accuracy, row.score, shapes[row.dataset], color=hues[row.model],
                markersize=5, markeredgecolor="white", markeredgewidth=0.5, zorder=3,
            )  # fmt: skip
        if len(along):
            followed = in_panel(along, part)
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
    for axis in axes.flat[len(parts) :]:
        axis.remove()
    for line in axes:
        line[0].set_ylabel("similarity of the best layer")
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


def _figure(
    width: float, height: float, rows: int, columns: int, sharey: bool, sharex: bool = False
) -> tuple[Any, Any]:
    """A figure, and its axes of shape (rows, columns)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharey=sharey, sharex=sharex)
