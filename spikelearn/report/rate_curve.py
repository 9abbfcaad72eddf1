"""The firing rate against what stimuli differ in, such as the current, as a picture file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn.report.pictures import COLOURS, check_plot_path, panels, styled, write_picture
from spikelearn.spikes.summary_by import rate_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spikelearn.spikes.activity import Activity


@styled()
def plot_rate_curve(
    activity: Activity, path: str | Path, start_ms: float = 0.0, stop_ms: float | None = None
) -> Path:
    """Draw the rate of each population at each value of a ladder of stimuli: the f-I curve.

    Parameters
    ----------
    activity : Activity
        Trials whose labels are a number and a unit, as "150 pA".
    path : path
        Of the picture; its suffix is the format.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Raises
    ------
    SpikelearnError
        If the suffix is not one of a picture, or the trials are no ladder.
    """
    check_plot_path(path)
    figure, axes = panels(5.5, 3.6)
    draw_rate_curve(activity, axes[0, 0], start_ms, stop_ms)
    return write_picture(figure, path)


def draw_rate_curve(
    activity: Activity, axis: Axes, start_ms: float = 0.0, stop_ms: float | None = None
) -> None:
    """Draw it into an axis: a line a population, with the s.d. over trials where there are several.

    Parameters
    ----------
    activity : Activity
    axis : matplotlib Axes
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.
    """
    table = rate_curve(activity, start_ms, stop_ms)
    populations = list(dict.fromkeys(table["population"]))
    for place, name in enumerate(populations):
        mine = table[table["population"] == name]
        repeated = bool((mine["n_trials"] > 1).any())
        axis.errorbar(
            mine["value"], mine["rate_hz"], mine["sd_hz"] if repeated else None,
            fmt="o-", markersize=4, capsize=2, color=COLOURS[place % len(COLOURS)], label=name,
        )  # fmt: skip
    unit = table["unit"].iloc[0]
    spread = "; bars: s.d. over trials" if (table["n_trials"] > 1).any() else ""
    axis.set_xlabel(f"{'current' if unit.endswith('A') else 'stimulus'} ({unit})")
    axis.set_ylabel(f"firing rate (Hz){spread}")
    axis.set_ylim(0, None if table["rate_hz"].max() > 0 else 1)
    stop = activity.duration_ms if stop_ms is None else stop_ms
    axis.set_title(f"spikes from {start_ms:g} to {stop:g} ms of each trial")
    if len(populations) > 1:
        axis.legend()
