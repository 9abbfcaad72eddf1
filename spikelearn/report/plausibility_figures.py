"""Figures of a plausibility audit: verdicts, accuracy and brains beside them, equivalences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.plot.logarithmic_axes import set_logarithmic
from spikelearn.plot.names import label
from spikelearn.plot.style import styled
from spikelearn.report.page import svg_of

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.plausibility.audit import Audit

MARKS = {
    "pass": "✓",
    "fail": "✗",
    "disagree": "≠",
    "contradicted": "!",
    "undecided": "~",
    "follows from the equations: met": "(✓)",
    "follows from the equations: not met": "(✗)",
    "cannot be told": "?",
    "reported": "·",
    "does not apply": "",
}
_COLOURS = {
    "pass": "#009e73",
    "fail": "#d55e00",
    "disagree": "#e69f00",
    "contradicted": "#cc79a7",
    "undecided": "#f0e442",
    "follows from the equations: met": "#7fc9b5",
    "follows from the equations: not met": "#ea9f66",
    "cannot be told": "#56b4e9",
    "reported": "#8a8a8a",
    "does not apply": "#e8e8e8",
}
LEGEND = {
    "pass": "met",
    "fail": "not met",
    "disagree": "the instruments disagree",
    "contradicted": "contradicted by what else was measured",
    "undecided": "undecided",
    "follows from the equations: met": "met by the equations, not run",
    "follows from the equations: not met": "not met by the equations, not run",
    "cannot be told": "cannot be told",
    "reported": "a figure, no verdict",
    "does not apply": "does not apply",
}
# Colours on which dark marks are read, and light ones not.
_LIGHT = ("undecided", "disagree", *(v for v in MARKS if v.startswith("follows")))


def marked(matrix: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The matrix with a mark for each verdict, and a line that says what the marks mean."""
    marks = matrix.map(lambda verdict: MARKS.get(verdict, ""))
    there = {str(verdict) for verdict in matrix.to_numpy().ravel()}
    words = [f"{MARKS[v]} {said}" for v, said in LEGEND.items() if v in there and MARKS[v]]
    return marks, ", ".join(words) + "; blank: does not apply" * ("does not apply" in there)


@styled()
def draw_verdicts(matrix: pd.DataFrame) -> bytes:
    """Who meets what, as SVG: a row a rule, a column a criterion; `matrix` of `Audit.matrix`."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    rules, keys = list(matrix.index), list(matrix.columns)
    figure = Figure(figsize=(8.2, 0.235 * len(rules) + 1.5), layout="constrained")
    axis = figure.subplots()
    for row, rule in enumerate(rules):
        for column, key in enumerate(keys):
            verdict = _verdict(matrix, rule, key)
            box = {"facecolor": _COLOURS[verdict], "edgecolor": "white", "linewidth": 1.2}
            axis.add_patch(_rectangle(column, row, box))
            axis.text(column, row, MARKS[verdict], ha="center", va="center",
                      color="#1c1c1c" if verdict in _LIGHT else "white",
                      fontsize=8, fontfamily="DejaVu Sans")  # fmt: skip
    axis.set_xlim(-0.5, len(keys) - 0.5)
    axis.set_ylim(len(rules) - 0.5, -0.5)
    axis.set_xticks(range(len(keys)), keys)
    axis.xaxis.tick_top()
    axis.set_yticks(range(len(rules)), [label(rule) for rule in rules])
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
    there = {_verdict(matrix, rule, key) for rule in rules for key in keys}
    handles = [Patch(color=_COLOURS[v], label=f"{MARKS[v]} {words}".strip())
               for v, words in LEGEND.items() if v in there]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
    return svg_of(figure)


def _verdict(matrix: pd.DataFrame, rule: str, key: str) -> str:
    verdict: Any = matrix.loc[rule, key] if rule in matrix.index else None
    return verdict if isinstance(verdict, str) else "does not apply"


def _rectangle(column: int, row: int, style: dict[str, Any]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), 1, 1, **style)


@styled()
def draw_beside(
    audit: Audit,
    measured: pd.DataFrame,
    region: str,
    weights: Mapping[str, float] | None = None,
) -> bytes:
    """Accuracy against similarity, a panel a criterion, as SVG.

    Parameters
    ----------
    audit : Audit
    measured : DataFrame
        As in `spikelearn.report.plausibility.beside`.
    region : str
        The column of `measured` that holds the similarity.
    weights : mapping of str to float, optional
        Of criteria: their score is then the size of a mark.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    matrix = audit.matrix()
    keys = [k for k in matrix.columns if k != "C16"]
    known = measured.dropna(subset=["accuracy (%)", region])
    datasets = list(dict.fromkeys(known["dataset"])) if "dataset" in known else [""]
    shapes = dict(zip(datasets, "os^DvPX" * len(datasets), strict=False))
    columns = 4 if len(keys) > 3 else len(keys)
    rows = -(-len(keys) // columns)
    figure = Figure(figsize=(8.2, 1.75 * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    score = audit.score(dict(weights)) if weights else None
    for axis, key in zip(axes, keys, strict=False):
        axis.set_title(key, fontsize=9)
        for row in known.to_dict("records"):
            rule = str(row["rule"])
            verdict = _verdict(matrix, rule, key)
            size = 5.0 if score is None else 3 + 8 * float(np.nan_to_num(score.get(rule, 0.0)))
            axis.plot(row["accuracy (%)"], row[region], shapes[row.get("dataset", "")],
                      color=_COLOURS[verdict], markersize=size, markeredgecolor="#5c5c5c",
                      markeredgewidth=0.4)  # fmt: skip
    for axis in axes[len(keys) :]:
        axis.set_visible(False)
    if len(datasets) > 1:
        handles = [
            Line2D([], [], linestyle="", marker=shapes[n], color="#8a8a8a", label=n)
            for n in datasets
        ]
        figure.legend(handles=handles, loc="outside upper right", ncols=7, fontsize=8)
    figure.supxlabel("accuracy (%)", fontsize=9)
    figure.supylabel(region, fontsize=9)
    return svg_of(figure)


@styled()
def draw_equivalences(table: pd.DataFrame) -> bytes:
    """The map as one figure, SVG: a panel an experiment."""
    from matplotlib.figure import Figure

    keys = list(dict.fromkeys(table["key"]))
    columns = min(3, len(keys))
    rows = -(-len(keys) // columns)
    figure = Figure(figsize=(8.2, 2.3 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, key in zip(axes, keys, strict=False):
        part = table[table["key"] == key]
        first = part.iloc[0]
        places = range(len(part))
        distances = part["distance"].clip(lower=1e-13)
        axis.plot(places, distances, "o-", color="#0072b2", markersize=4)
        set_logarithmic(axis.yaxis, distances.min(), distances.max())
        axis.set_xticks(places, [f"{v:g}" for v in part["value"]], fontsize=8)
        axis.set_title(f"{first['rule']}\n→ {first['becomes']}", fontsize=8.5)
        axis.set_xlabel(first["knob"], fontsize=8)
        if axis in axes[::columns]:
            axis.set_ylabel("distance of updates", fontsize=8)
    for axis in axes[len(keys) :]:
        axis.set_visible(False)
    return svg_of(figure)
