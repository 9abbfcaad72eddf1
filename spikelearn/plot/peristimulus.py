"""Peristimulus time histograms: rates over time as lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._arguments import check_numbers
from spikelearn.plot.drawn_activity import Drawn, activity_of
from spikelearn.plot.style import COLOURS, described_size, drawing, pens_of
from spikelearn.responses.psth import bin_centres_ms, population_psth
from spikelearn.spikes.binning import within_whole_bins

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spikelearn.spikes.activity import Activity

MAX_STIMULI = 40  # drawn as thin lines where there are more than colours


def psth(
    activity: Drawn,
    bin_ms: float = 1.0,
    sigma_ms: float = 0.0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the firing rate over time: of a population by stimulus, of several a line each.

    Of a population up to six stimuli have a coloured line each; of more, thin grey lines show some
    and a black one the mean of all. Lines of several populations are means over stimuli.

    Parameters
    ----------
    activity : Activity, population of one, str or Path
        What was simulated, `activity["name"]` for a population alone, or a file of spikes. Trials
        of the same label are trials of one stimulus.
    bin_ms, sigma_ms : float
        Width of a bin in which spikes are counted, and standard deviation of the Gaussian that
        smooths, none by default. What is left of a trial after the last whole bin is left out; a
        trial shorter than a bin is one bin.
    start_ms, stop_ms : float
        The part of the trial that is drawn; all of it if left out.
    ax : matplotlib Axes, optional
        Where it is drawn; a new figure, if absent.

    Returns
    -------
    Axes

    Raises
    ------
    SpikelearnError
        Where a width or a time is no number.

    Examples
    --------
    >>> import spikelearn as sl
    >>> activity = sl.simulate("izhikevich2003", duration_ms=50)
    >>> sl.plot.psth(activity["excitatory"], bin_ms=5).get_ylabel()
    'firing rate (Hz)'
    """
    check_numbers(bin_ms=bin_ms, sigma_ms=sigma_ms, start_ms=start_ms)
    if stop_ms is not None:
        check_numbers(stop_ms=stop_ms)
    activity = activity_of(activity).between(start_ms, stop_ms)
    names = list(activity.populations)
    bin_ms = min(bin_ms, activity.duration_ms)
    with drawing(ax) as axis:
        if len(names) == 1:
            psth_panel(axis, activity, names[0], bin_ms, sigma_ms, start_ms)
        else:
            for name, pen in zip(names, pens_of(len(names)), strict=True):
                times_ms, rates_hz, _ = _rates(activity, name, bin_ms, sigma_ms)
                mean = rates_hz.mean(axis=0)
                axis.plot(times_ms + start_ms, mean, linewidth=1.2, label=name, **pen)
            axis.set_ylabel("firing rate (Hz)")
            axis.set_ylim(0, None if activity.n_spikes else 1)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=8)
        axis.set_xlabel(time_label(bin_ms, sigma_ms))
        axis.set_xlim(start_ms, start_ms + activity.duration_ms)
    return axis


def time_label(bin_ms: float, sigma_ms: float) -> str:
    """What stands at the axis of time."""
    smoothed = f"smoothed by a Gaussian of {sigma_ms:g} ms" if sigma_ms else "not smoothed"
    return f"time (ms); spikes counted in bins of {bin_ms:g} ms, {smoothed}"


def psth_panel(
    axis: Axes, activity: Activity, name: str, bin_ms: float, sigma_ms: float, start_ms: float
) -> None:
    """Draw the rate of one population, a line a stimulus.

    Parameters
    ----------
    axis : Axes
    activity : Activity
        The part of each trial that is drawn.
    name : str
        Of the population.
    bin_ms, sigma_ms : float
        As of `psth`.
    start_ms : float
        From which the times of `activity` are counted.
    """
    times_ms, rates_hz, stimuli = _rates(activity, name, bin_ms, sigma_ms)
    _draw(axis, times_ms + start_ms, rates_hz, stimuli)
    spikes = activity.populations[name]
    axis.set_title(f"{name} ({described_size(spikes.size)})")
    axis.set_ylabel("firing rate (Hz)")
    axis.set_ylim(0, None if len(spikes) else 1)


def _rates(
    activity: Activity, name: str, bin_ms: float, sigma_ms: float
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Middles of the bins in ms, rates of shape (stimulus, time) in Hz, and the stimuli."""
    spikes, duration_ms = within_whole_bins(
        activity.populations[name], activity.duration_ms, bin_ms
    )
    whole = replace(activity, populations={name: spikes}, states={}, duration_ms=duration_ms)
    rates_hz, stimuli = population_psth(whole, name, bin_ms, sigma_ms)
    return bin_centres_ms(duration_ms, bin_ms), rates_hz, stimuli


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
