"""The firing rate against what stimuli differ in, such as the current, as a picture file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn.plot.rate_curves import rate_curve
from spikelearn.plot.style import styled
from spikelearn.report.pictures import check_plot_path, panels, write_picture

if TYPE_CHECKING:
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
    rate_curve(activity, start_ms, stop_ms, axes[0, 0])
    return write_picture(figure, path)
