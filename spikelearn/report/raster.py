"""A raster plot of an activity as a picture file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._errors import SpikelearnError
from spikelearn.plot.rasters import MAX_NEURONS, raster_panel
from spikelearn.plot.style import styled
from spikelearn.report.pictures import check_plot_path, write_picture

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity


@styled()
def plot_raster(
    activity: Activity,
    path: str | Path,
    trial: int = 0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> Path:
    """Draw the spikes of one trial, one panel per population.

    Populations of more than `MAX_NEURONS` neurons are thinned out evenly; the label says so.

    Parameters
    ----------
    activity : Activity
    path : path
        Of the picture; its suffix is the format.
    trial : int
    start_ms, stop_ms : float
        The part of the trial that is drawn; all of it if left out.

    Raises
    ------
    SpikelearnError
        If the suffix is not one of a picture, or there is no such trial.
    """
    check_plot_path(path)
    if not 0 <= trial < activity.n_trials:
        raise SpikelearnError(f"there is no trial {trial}; trials are 0 to {activity.n_trials - 1}")
    from matplotlib.figure import Figure

    activity = activity.between(start_ms, stop_ms)
    names = list(activity.populations)
    sizes = [min(activity[name].size, MAX_NEURONS) for name in names]
    heights = [0.8 + 2.2 * size / max(sizes) for size in sizes]
    figure = Figure(figsize=(8.0, sum(heights) + 0.6), layout="constrained")
    axes = figure.subplots(len(names), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axis, name in zip(axes, names, strict=True):
        raster_panel(axis, activity.populations[name], name, trial, start_ms)
    axes[-1].set_xlabel("time (ms)")
    axes[-1].set_xlim(start_ms, start_ms + activity.duration_ms)
    label = activity.labels[trial]
    backend = activity.provenance.get("backend", "")
    axes[0].set_title(f"stimulus {label}{f', {backend}' if backend else ''}", fontsize=10)
    return write_picture(figure, path)
