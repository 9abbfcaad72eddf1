"""Model neurons beside a recorded auditory receptor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from spikelearn.plot.style import styled
from spikelearn.report.page import Section, svg_of, svg_picture
from spikelearn.report.page_tables import Table, as_table, fixed
from spikelearn.report.pictures import panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def auditory(
    scores: pd.DataFrame | None, traces: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None
) -> Section | None:
    """Model neurons and the receptor; None where nothing is known.

    Parameters
    ----------
    scores : DataFrame
        Columns model, sound, role, correlation, lag_ms, van_rossum, rate_hz, recorded_rate_hz.
    traces : mapping of str to (time_ms, rate_hz), optional
        Arrays of shape (n_bins,), the recorded one first.
    """
    if scores is None or scores.empty:
        return None
    section = Section(
        "auditory", "Model neurons and a grasshopper's ear", auditory_sentence(scores)
    )
    section.pictures.append(
        svg_picture(
            scores_figure(scores),
            "Correlation of each model's rate with the recorded one; the table below holds the"
            " numbers.",
            "Parameters were chosen on the first sound alone.",
        )
    )
    if traces:
        section.pictures.append(
            svg_picture(
                traces_figure(traces),
                f"Firing rate over time: {', '.join(traces)}.",
                "Firing rates over a stretch of the last sound, each model's shifted by its lag.",
            )
        )
    section.tables.append(auditory_table(scores))
    return section


def auditory_sentence(frame: pd.DataFrame) -> str:
    """How each neuron model predicts the receptor on the sound it was not fitted on."""
    held = frame[frame["role"] == "held out"].dropna(subset=["correlation"])
    if held.empty:
        return ""
    ordered = held.sort_values("correlation", ascending=False)
    ranked = ", ".join(f"{row.model} {row.correlation:.2f}" for row in ordered.itertuples())
    return (
        f"On the held-out sound, correlation with the receptor: {ranked}. They are of one sound,"
        " and not tested against each other."
    ).replace(" -0.", " −0.")


def auditory_table(frame: pd.DataFrame) -> Table:
    """Scores of the model neurons."""
    shown = frame.assign(
        correlation=[fixed(v, 3) for v in frame["correlation"]],
        lag_ms=[fixed(v, 0) for v in frame["lag_ms"]],
        van_rossum=[fixed(v, 3) for v in frame["van_rossum"]],
        rate_hz=[fixed(v, 1) for v in frame["rate_hz"]],
        recorded_rate_hz=[fixed(v, 1) for v in frame["recorded_rate_hz"]],
    ).rename(
        columns={
            "role": "parameters",
            "lag_ms": "lag (ms)",
            "van_rossum": "van Rossum distance",
            "rate_hz": "rate (Hz)",
            "recorded_rate_hz": "recorded rate (Hz)",
        }
    )
    return as_table(
        shown,
        "Fit to the receptor",
        "Correlation of rates (PSTH, 3 ms Gaussian) at a lag chosen on the first sound; van Rossum"
        " distance of spike trains (3 ms), 0 for identical trains and 1 for trains without a"
        " coincidence.",
    )


@styled()
def scores_figure(table: pd.DataFrame) -> bytes:
    """Correlation with the recorded rate on each sound, by model."""
    sounds = list(dict.fromkeys(table["sound"]))
    figure, (axes,) = panels(
        7.2, 0.36 * table["model"].nunique() + 1.0, ncols=len(sounds), sharey=True
    )
    for axis, sound in zip(axes, sounds, strict=True):
        scores = table[table["sound"] == sound]
        _bars(axis, list(scores["model"]), scores["correlation"].to_numpy())
        axis.set_title(f"{sound} ({scores['role'].iloc[0]})")
        axis.set_xlabel("correlation with the receptor's rate")
    return svg_of(figure)


@styled()
def traces_figure(traces: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> bytes:
    """Rates over time on one axis, the recorded one in black."""
    figure, ((axis,),) = panels(7.2, 2.8)
    hues = ["black", "#0072b2", "#d55e00", "#8a8a8a", "#009e73"]
    for index, (name, (time_ms, rate)) in enumerate(traces.items()):
        axis.plot(
            time_ms, rate, label=name, color=hues[index % len(hues)],
            linewidth=1.8 if index == 0 else 1.1,
        )  # fmt: skip
    axis.set_xlabel("time from the sound's start (ms)")
    axis.set_ylabel("firing rate (Hz)")
    axis.set_ylim(0)
    axis.margins(x=0)
    figure.legend(loc="outside lower center", ncols=2)
    return svg_of(figure)


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
