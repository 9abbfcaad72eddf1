"""Figures of a study: similarity by rule, layer and region, and against accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.report.names import label, rank
from spikelearn.report.page import svg_of
from spikelearn.report.pictures import styled
from spikelearn.report.similarity_tables import (
    PANEL,
    best_layers,
    ceiling_of,
    meaning_of_intervals,
    panels,
)

if TYPE_CHECKING:
    import pandas as pd

_COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#44aa99",
    "#999933", "#332288", "#aa4499", "#661100", "#117733", "#6699cc", "#000000", "#ee8866",
)  # fmt: skip
_MARKERS = ("o", "s", "^", "v", "P", "X")
# From light to dark: the first layer to the last.
_BLUES = ((0.55, 0.75, 0.93), (0.0, 0.2, 0.42))
_GREYS = ((0.72, 0.72, 0.72), (0.2, 0.2, 0.2))
_ROW, _LAYER = 0.6, 0.36  # heights of what stands around a row's layers, and of a layer
_INCH = 0.2  # per height

_READ = (
    "Squares: trained; diamonds: untrained and baselines. Light to dark: first to last layer.\n"
    "Thin: 95 % interval {meant};\nthick: lowest to highest seed; yellow: noise ceiling."
)


@styled()
def similarity_figure(scores: pd.DataFrame) -> bytes:
    """Scores by network and layer, a panel for each recording, region and method.

    Each panel has an axis and a noise ceiling of its own. Networks of one kind stand together, the
    untrained one first.
    """
    parts = list(panels(scores))
    places, names, headings, end = _layout(scores)
    height = _INCH * end + 1.6
    figure, axes = _figure(3.4 + 2.2 * len(parts), height, len(parts), sharey=True)
    for axis, part in zip(axes, parts, strict=True):
        low, high = ceiling_of(part)
        if np.isfinite(low):
            axis.axvspan(low, high, color="#f0e442", alpha=0.45, linewidth=0)
        axis.axvline(0, color="black", linewidth=0.6)
        for row in _rows(part):
            place, depth = places[row.model, row.network, row.layer]
            hollow = row.family == "baseline"
            first, last = (np.array(hue) for hue in (_GREYS if hollow else _BLUES))
            hue = tuple(first + depth * (last - first))
            axis.plot([row.ci_lower, row.ci_upper], [place, place], color=hue, linewidth=0.9)
            axis.plot([row.score_min, row.score_max], [place, place], color=hue, linewidth=2.6)
            axis.plot(
                row.score, place, "D" if hollow else "s", color=hue, markersize=3.2,
                markerfacecolor="white" if hollow else hue,
            )  # fmt: skip
        for start, _ in headings:
            axis.axhline(start - _ROW / 2, color="#bbbbbb", linewidth=0.5)
        axis.set_title(_title(part), fontsize=9)
        axis.grid(axis="x", linewidth=0.3)
        axis.set_xlabel("similarity", fontsize=8)
        axis.tick_params(axis="x", labelsize=7.5)
        axis.tick_params(axis="y", length=0)
    ticks = [*((place, name, "normal") for place, name in names),
             *((place, name, "bold") for place, name in headings)]  # fmt: skip
    axes[0].set_yticks([place for place, _, _ in ticks], [name for _, name, _ in ticks], fontsize=7)
    for text, (_, _, weight) in zip(axes[0].get_yticklabels(), ticks, strict=True):
        text.set_fontweight(weight)
    axes[0].set_ylim(end, -_ROW)
    read = _READ.format(meant=meaning_of_intervals(scores))
    figure.supxlabel(read, fontsize=7, x=0.02, ha="left")
    return svg_of(figure)


def _layout(
    scores: pd.DataFrame,
) -> tuple[
    dict[tuple[str, str, str], tuple[float, float]],
    list[tuple[float, str]],
    list[tuple[float, str]],
    float,
]:
    """Places of layers, with depth from 0 to 1; of names; of networks' headings; and the end."""
    layers: dict[tuple[str, str], list[str]] = {}
    named = scores[scores["dataset"] != ""]  # an untrained twin is of none
    datasets = dict(zip(named["network"], named["dataset"], strict=True))
    for model, network, layer in zip(
        scores["model"], scores["network"], scores["layer"], strict=True
    ):
        of_network = layers.setdefault((network, model), [])
        if layer not in of_network:
            of_network.append(layer)
    images = [key for key in layers if not key[0]]
    # What was trained from the same weights is side by side.
    order = sorted(images, key=lambda key: rank(key[1]))
    for network in sorted({network for network, _ in layers if network}):
        own = [key for key in layers if key[0] == network]
        order += sorted(own, key=lambda key: (key[1] != "untrained", rank(key[1])))
    places: dict[tuple[str, str, str], tuple[float, float]] = {}
    names: list[tuple[float, str]] = []
    headings: list[tuple[float, str]] = []
    at, before = 0.0, ""
    for network, model in order:
        if network != before:
            at += _ROW / 2
            headings.append((at, ", ".join(filter(None, (network, datasets.get(network, ""))))))
            at += 1.4 * _ROW
            before = network
        own_layers = layers[network, model]
        for i, layer in enumerate(own_layers):
            depth = i / (len(own_layers) - 1) if len(own_layers) > 1 else 0.6
            places[model, network, layer] = (at + i * _LAYER, depth)
        names.append((at + (len(own_layers) - 1) * _LAYER / 2, label(model)))
        at += (len(own_layers) - 1) * _LAYER + _ROW
    return places, names, headings, at


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
        axis.set_title(_title(part), fontsize=9)
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


def _title(part: pd.DataFrame) -> str:
    """Recording, region and method of a panel; words of several parts in lines of their own."""
    first = part.iloc[0]
    return f"{first['recording']}\n{first['region']}\n{first['method']}"


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
