"""The rate of each population over time (PSTH) as a picture file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn.plot.peristimulus import psth_panel, time_label
from spikelearn.plot.style import styled
from spikelearn.report.pictures import check_plot_path, write_picture

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity


@styled()
def plot_psth(
    activity: Activity,
    path: str | Path,
    bin_ms: float = 1.0,
    sigma_ms: float = 0.0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> Path:
    """Draw the firing rate over time, averaged over neurons and trials, a panel per population.

    Up to six stimuli have a coloured line each; of more, thin grey lines show some (at most
    40, evenly spaced; the label says how many), and a black one the mean of all.

    Parameters
    ----------
    activity : Activity
        Trials of the same label are trials of one stimulus.
    path : str or Path
        Ends in .png, .svg or .pdf.
    bin_ms, sigma_ms : float
        Width of a bin in which spikes are counted, and standard deviation of the Gaussian that
        smooths, none by default; see `spikelearn.responses.psth`. The axis says both. What is left
        of a trial after the last whole bin is left out; a trial shorter than a bin is one bin.
    start_ms, stop_ms : float
        The part of the trial that is drawn; all of it if left out.

    Returns
    -------
    Path
        Where the picture is.

    Raises
    ------
    SpikelearnError
        If the suffix is not one of a picture, or bin or Gaussian are not of a positive width.
    """
    check_plot_path(path)
    from matplotlib.figure import Figure

    activity = activity.between(start_ms, stop_ms)
    bin_ms = min(bin_ms, activity.duration_ms)
    names = list(activity.populations)
    figure = Figure(figsize=(8.0, 2.1 * max(len(names), 1) + 0.8), layout="constrained")
    axes = figure.subplots(max(len(names), 1), 1, sharex=True, squeeze=False)[:, 0]
    for axis, name in zip(axes, names, strict=False):
        psth_panel(axis, activity, name, bin_ms, sigma_ms, start_ms)
    axes[-1].set_xlabel(time_label(bin_ms, sigma_ms))
    axes[-1].set_xlim(start_ms, start_ms + activity.duration_ms)
    handles, labels = axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(handles), 3))
    return write_picture(figure, path)
