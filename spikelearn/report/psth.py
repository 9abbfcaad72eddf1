"""The rate of each population over time (PSTH) as a picture file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn.report.pictures import COLOURS, check_plot_path, styled, write_picture
from spikelearn.responses.psth import bin_centres_ms, population_psth
from spikelearn.spikes.binning import within_whole_bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spikelearn.spikes.activity import Activity

MAX_STIMULI = 40  # drawn as thin lines where there are more than colours


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
    `MAX_STIMULI`, evenly spaced; the label says how many), and a black one the mean of all.

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
        spikes, duration_ms = within_whole_bins(activity[name], activity.duration_ms, bin_ms)
        whole = replace(activity, populations={name: spikes}, duration_ms=duration_ms)
        rates_hz, stimuli = population_psth(whole, name, bin_ms, sigma_ms)
        _draw(axis, bin_centres_ms(duration_ms, bin_ms) + start_ms, rates_hz, stimuli)
        axis.set_title(f"{name} ({spikes.size:,} neuron{'s' if spikes.size > 1 else ''})")
        axis.set_ylabel("firing rate (Hz)")
        axis.set_ylim(0, None if len(spikes) else 1)
    smoothed = f"smoothed by a Gaussian of {sigma_ms:g} ms" if sigma_ms else "not smoothed"
    axes[-1].set_xlabel(f"time (ms); spikes counted in bins of {bin_ms:g} ms, {smoothed}")
    axes[-1].set_xlim(start_ms, start_ms + activity.duration_ms)
    handles, labels = axes[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(handles), 3))
    return write_picture(figure, path)


def _draw(axis: Axes, times_ms: np.ndarray, values: np.ndarray, stimuli: list[str]) -> None:
    if len(stimuli) == 1:
        axis.plot(times_ms, values[0], color=COLOURS[0], linewidth=1.2)
    elif len(stimuli) <= len(COLOURS):
        for stimulus, row, colour in zip(stimuli, values, COLOURS, strict=False):
            axis.plot(times_ms, row, color=colour, linewidth=1.2, label=f"stimulus {stimulus:.30}")
    else:
        step = -(-len(stimuli) // MAX_STIMULI)
        shown = f", 1 in {step} shown" if step > 1 else ""
        for i in range(0, len(stimuli), step):
            # A name that begins with an underscore is in no legend.
            name = f"one stimulus (of {len(stimuli)}{shown})" if i == 0 else "_"
            axis.plot(times_ms, values[i], color="#a0a0a0", linewidth=0.5, alpha=0.7, label=name)
        mean = np.mean(values, axis=0)
        axis.plot(times_ms, mean, color="black", linewidth=1.5, label="mean over stimuli")
