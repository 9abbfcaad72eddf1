"""Figures of the report, as text or bytes to embed: charts as SVG, matrices as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.report.data import Raster
from spikelearn.report.names import BASELINES, colour, label, rank
from spikelearn.report.pictures import styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _figure(width: float, height: float, **grid: Any) -> tuple[Figure, np.ndarray]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(squeeze=False, **grid)
    return figure, axes


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    return buffer.getvalue()


@styled()
def accuracy(table: pd.DataFrame) -> bytes:
    """Test accuracy by rule: a bar for the mean over seeds, a dot for each."""
    order = sorted(dict.fromkeys(table["rule"]), key=rank)
    figure, ((axis,),) = _figure(7.2, 0.42 * len(order) + 0.9)
    for row, rule in enumerate(order):
        found = table[table["rule"] == rule]
        scores = 100 * found["test_accuracy"].to_numpy()
        axis.barh(row, scores.mean(), height=0.62, color=colour(rule), alpha=0.35)
        axis.plot(scores, np.full(scores.size, row), "o", color=colour(rule), markersize=4)
        axis.text(102, row, f"{scores.mean():.1f} %", va="center", fontsize=8.5)
    chance = 100 * float(table["chance"].iloc[0])
    axis.axvline(chance, color="black", linewidth=0.8, linestyle=":")
    axis.annotate(
        "chance", (chance, -0.6), xytext=(3, 0), textcoords="offset points", fontsize=8,
        va="center",
    )  # fmt: skip
    axis.set_yticks(range(len(order)), [label(rule) for rule in order])
    axis.set_ylim(len(order) - 0.5, -0.85)
    axis.set_xlim(0, 112)
    axis.set_xticks(range(0, 101, 20))
    axis.set_xlabel("accuracy on held-out test digits (%)")
    return _svg(figure)


@styled()
def learning_curves(table: pd.DataFrame) -> bytes:
    """Training loss and validation accuracy by epoch, a thin line per seed and a thick mean."""
    trained = table.groupby("rule")["epoch"].transform("max") > 0
    figure, ((left, right),) = _figure(7.2, 2.9, ncols=2)
    for rule in sorted(dict.fromkeys(table.loc[trained, "rule"]), key=rank):
        found = table[table["rule"] == rule]
        for axis, column, scale in (
            (left, "train_loss", 1),
            (right, "validation_accuracy", 100),
        ):
            by_seed = found.pivot_table(index="epoch", columns="seed", values=column) * scale
            axis.plot(by_seed.index, by_seed, color=colour(rule), linewidth=0.6, alpha=0.6)
            axis.plot(
                by_seed.index, by_seed.mean(axis=1), color=colour(rule), linewidth=1.8,
                label=label(rule),
            )  # fmt: skip
    left.set_ylabel("training loss (nats)")
    left.set_yscale("log")
    for which in (left.yaxis.set_major_formatter, left.yaxis.set_minor_formatter):
        which(lambda value, _: f"{value:g}" if str(f"{value:g}").strip("0.")[:1] in "125" else "")
    right.set_ylabel("validation accuracy (%)")
    for axis in (left, right):
        axis.set_xlabel("epoch")
        axis.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return _svg(figure)


@styled()
def similarity(regions: Mapping[str, Any]) -> bytes:
    """Score by model and layer, one panel a region; see `page.by_region` for the columns.

    Dots are seeds, thick marks means, whiskers bootstrap intervals, the band the noise ceiling.
    """
    keys = list(
        dict.fromkeys(
            (row.model, row.layer) for table in regions.values() for row in table.itertuples()
        )
    )
    keys.sort(key=lambda key: rank(key[0]))
    height = 0.24 * len(keys) + 1.4
    figure, (axes,) = _figure(7.2, height, ncols=len(regions), sharex=True, sharey=True)
    for axis, (region, table) in zip(axes, regions.items(), strict=True):
        lower, upper = table["ceiling_lower"].max(), table["ceiling_upper"].max()
        if np.isfinite(lower):
            axis.axvspan(lower, upper, color="#f0e442", alpha=0.45, linewidth=0)
            axis.text((lower + upper) / 2, -0.9, "noise ceiling", ha="center", fontsize=8)
        axis.axvline(0, color="black", linewidth=0.6)
        for row in table.itertuples():
            place = keys.index((row.model, row.layer))
            hue = colour(row.model)
            axis.plot([row.ci_lower, row.ci_upper], [place, place], color=hue, linewidth=1.2)
            axis.plot(
                row.scores, np.full(len(row.scores), place), "o", color=hue, markersize=2.5,
                alpha=0.6,
            )  # fmt: skip
            hollow = row.model in BASELINES
            axis.plot(
                row.score, place, "D" if hollow else "s", color=hue, markersize=5,
                markerfacecolor="white" if hollow else hue,
            )  # fmt: skip
        axis.set_title(region)
        axis.set_xlabel("Spearman correlation of RDMs")
        axis.grid(axis="x", linewidth=0.3)
    names = [f"{label(model)} · {layer}" if layer else label(model) for model, layer in keys]
    axes[0].set_yticks(range(len(keys)), names)
    axes[0].set_ylim(len(keys) - 0.4, -1.4)
    return _svg(figure)


@styled()
def rdms(
    matrices: Mapping[str, np.ndarray], groups: Sequence[tuple[int, int, str]], columns: int = 4
) -> bytes:
    """The matrices side by side on one colour scale, categories bracketed along the edges."""
    import matplotlib as mpl

    n_rows = -(-len(matrices) // columns)
    figure, axes = _figure(1.95 * columns + 0.4, 2.15 * n_rows, nrows=n_rows, ncols=columns)
    shades = mpl.colormaps["viridis"].with_extremes(bad="#dddddd")
    image = None
    for axis, (name, matrix) in zip(axes.flat, matrices.items(), strict=False):
        image = axis.imshow(matrix, cmap=shades, vmin=0, vmax=1, interpolation="nearest")
        model, _, layer = name.partition(" · ")
        axis.set_title(f"{label(model)}\n{layer}" if layer else label(model), fontsize=8)
        axis.set_xticks([])
        axis.set_yticks([])
        for first, last, _ in groups:
            for edge in (first, last):
                if 0 < edge < len(matrix):
                    axis.axhline(edge - 0.5, color="white", linewidth=0.5)
                    axis.axvline(edge - 0.5, color="white", linewidth=0.5)
    for axis in axes.flat[len(matrices) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        middles = [(first + last - 1) / 2 for first, last, _ in groups]
        axis.set_yticks(middles, [name.replace(" ", "\n") for *_, name in groups], fontsize=6.5)
        axis.tick_params(length=0)
    if image is not None:
        bar = figure.colorbar(image, ax=axes, location="bottom", shrink=0.35, aspect=30, pad=0.01)
        bar.set_label("dissimilarity (percentile)", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return _png(figure)


@styled()
def raster(one: Raster) -> bytes:
    """A dot for every spike."""
    figure, ((axis,),) = _figure(7.2, 2.3)
    size = float(np.clip(300 / max(one.size, 1), 1.5, 7))
    if len(one.times_ms) < 200:
        size = max(size, 5.0)
    axis.plot(one.times_ms, one.senders, "|", color="black", markersize=size, rasterized=True)
    axis.set_xlim(0, one.duration_ms)
    axis.set_ylim(-1, one.size)
    axis.set_xlabel("time (ms)")
    axis.set_ylabel(f"{one.population}: neuron" if one.population != "neurons" else "neuron")
    axis.set_title(one.title)
    return _png(figure)


@styled()
def receptive_fields(fields: np.ndarray, columns: int = 10) -> bytes:
    """The input weights of each neuron as an image, black for none."""
    n_rows = -(-len(fields) // columns)
    figure, axes = _figure(0.7 * columns, 0.7 * n_rows, nrows=n_rows, ncols=columns)
    for axis in axes.flat:
        axis.set_axis_off()
    top = float(fields.max())
    for axis, weights in zip(axes.flat, fields, strict=False):
        axis.imshow(weights, cmap="magma", vmin=0, vmax=top, interpolation="nearest")
    return _png(figure)


@styled()
def traces(found: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> bytes:
    """Rates over time on one axis, the recorded one in black."""
    figure, ((axis,),) = _figure(7.2, 2.8)
    hues = ["black", "#0072b2", "#d55e00", "#8a8a8a", "#009e73"]
    for index, (name, (time_ms, rate)) in enumerate(found.items()):
        axis.plot(
            time_ms, rate, label=name, color=hues[index % len(hues)],
            linewidth=1.8 if index == 0 else 1.1,
        )  # fmt: skip
    axis.set_xlabel("time from the sound's start (ms)")
    axis.set_ylabel("firing rate (Hz)")
    axis.set_ylim(0)
    axis.margins(x=0)
    figure.legend(loc="outside lower center", ncols=2)
    return _svg(figure)


@styled()
def auditory_scores(table: pd.DataFrame) -> bytes:
    """Correlation with the recorded rate on each sound, by model."""
    sounds = list(dict.fromkeys(table["sound"]))
    figure, (axes,) = _figure(
        7.2, 0.36 * table["model"].nunique() + 1.0, ncols=len(sounds), sharey=True
    )
    for axis, sound in zip(axes, sounds, strict=True):
        found = table[table["sound"] == sound]
        _bars(axis, list(found["model"]), found["correlation"].to_numpy())
        axis.set_title(f"{sound} ({found['role'].iloc[0]})")
        axis.set_xlabel("correlation with the receptor's rate")
    return _svg(figure)


def _bars(axis: Axes, names: list[str], values: np.ndarray) -> None:
    axis.barh(range(len(names)), values, height=0.6, color="#0072b2", alpha=0.5)
    for row, value in enumerate(values):
        axis.annotate(
            f"{value:.2f}", (max(value, 0), row), xytext=(3, 0), textcoords="offset points",
            va="center", fontsize=8,
        )  # fmt: skip
    axis.axvline(0, color="black", linewidth=0.6)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlim(
        min(0.0, float(np.nanmin(values)) * 1.2), max(0.1, float(np.nanmax(values)) * 1.2)
    )
