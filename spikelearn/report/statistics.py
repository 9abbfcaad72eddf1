"""Distributions of the spike-train statistics of each population as a picture file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn.plot.logarithmic_axes import set_logarithmic
from spikelearn.plot.style import COLOURS, say_nothing_to_draw, styled
from spikelearn.report.pictures import check_plot_path, write_picture
from spikelearn.spikes import (
    cv2,
    interspike_intervals_ms,
    isi_cv,
    pairwise_correlations,
    rates_hz,
)
from spikelearn.spikes.statistics import LEAST_INTERVALS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spikelearn.spikes.activity import Activity

N_NEURONS = 200  # whose pairs are correlated: 19,900 pairs are a distribution
_MOST_BARS = 30


@styled()
def plot_statistics(
    activity: Activity,
    path: str | Path,
    bin_ms: float = 5.0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> Path:
    """Draw histograms of rates, ISIs, their CV and pairwise correlations, a row per population.

    A line marks the mean (of CVs the median, as in `spikelearn.spikes.summary`). Where no neuron
    has intervals enough for a CV, the local variation CV2 is drawn in its place.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    path : str or Path
        Ends in .png, .svg or .pdf.
    bin_ms : float
        Width of the bins whose counts are correlated; see `pairwise_correlations`.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    Path
        Where the picture is.

    Raises
    ------
    SpikelearnError
        If the suffix is not one of a picture, or bins are not of positive width.
    """
    check_plot_path(path)
    from matplotlib.figure import Figure

    activity = activity.between(start_ms, stop_ms)
    names = list(activity.populations)
    bin_ms = min(bin_ms, activity.duration_ms)
    figure = Figure(figsize=(11.0, 2.5 * max(len(names), 1) + 0.3), layout="constrained")
    rows = figure.subplots(max(len(names), 1), 4, squeeze=False)
    for row, name in zip(rows, names, strict=False):
        size = activity[name].size
        row[0].set_title(f"{name} ({counted(size, 'neuron')})", pad=18)
        _rates(row[0], rates_hz(activity, name), activity)
        _intervals(row[1], interspike_intervals_ms(activity, name))
        _cvs(row[2], isi_cv(activity, name), cv2(activity, name))
        pairs = pairwise_correlations(activity, name, bin_ms, N_NEURONS)
        n_fired = np.unique(activity[name].senders).size
        _correlations(row[3], pairs, bin_ms, n_fired)
    return write_picture(figure, path)


def _rates(axis: Axes, rates: np.ndarray, activity: Activity) -> None:
    axis.set_xlabel("firing rate (Hz)")
    axis.set_ylabel("neurons")
    if not rates.any():
        say_nothing_to_draw(axis, "no neuron fired")
        return
    # Rates are whole numbers of spikes: bars as wide as one, or as several, leave no gaps.
    one_hz = 1000.0 / (activity.n_trials * activity.duration_ms)
    counts = np.rint(rates / one_hz)
    width = max(1, -(-int(np.ptp(counts) + 1) // _MOST_BARS))
    edges = np.arange(counts.min() - 0.5, counts.max() + width, width) * one_hz
    _histogram(axis, rates, edges, f"mean {rates.mean():.3g} Hz", rates.mean())


def _intervals(axis: Axes, intervals_ms: np.ndarray) -> None:
    axis.set_xlabel("interspike interval (ms)")
    axis.set_ylabel("intervals")
    positive = intervals_ms[intervals_ms > 0]
    if not positive.size:
        say_nothing_to_draw(axis, "no neuron fired\ntwice in a trial")
        return
    low, high = positive.min() / 1.05, positive.max() * 1.05
    edges = np.geomspace(low, high, _n_bars(positive) + 1)
    _histogram(axis, positive, edges, f"mean {positive.mean():.3g} ms", positive.mean())
    set_logarithmic(axis.xaxis, low, high)


def _cvs(axis: Axes, cv: np.ndarray, local: np.ndarray) -> None:
    axis.set_ylabel("neurons")
    axis.set_xlabel(f"CV of interspike intervals\n({LEAST_INTERVALS} and more in a trial)")
    known = cv[~np.isnan(cv)]
    if known.size:
        median = float(np.median(known))
        _histogram(axis, known, _edges(known), f"median {median:.3g}", median)
        return
    axis.set_xlabel(f"local variation CV2\n(no neuron has {LEAST_INTERVALS} intervals)")
    known = local[~np.isnan(local)]
    if known.size:
        _histogram(axis, known, _edges(known), f"mean {known.mean():.3g}", float(known.mean()))
        return
    say_nothing_to_draw(axis, "no neuron fired\nthree times in a trial")


def _correlations(axis: Axes, pairs: np.ndarray, bin_ms: float, n_fired: int) -> None:
    some = f"\n(pairs of {N_NEURONS} neurons)" if n_fired > N_NEURONS else ""
    axis.set_xlabel(f"correlation of counts in {bin_ms:g} ms{some}")
    axis.set_ylabel("pairs")
    if not pairs.size:
        say_nothing_to_draw(axis, "no two neurons whose\ncounts vary")
        return
    _histogram(axis, pairs, _edges(pairs), f"mean {pairs.mean():.3g}", pairs.mean())


def _histogram(axis: Axes, values: np.ndarray, edges: np.ndarray, text: str, middle: float) -> None:
    """Bars, and a line at the middle of the distribution with its value and number of values."""
    from matplotlib.ticker import MaxNLocator

    axis.hist(values, edges.tolist(), color=COLOURS[0])
    axis.axvline(middle, color=COLOURS[1], linewidth=1.5)
    said = f"{text} (n = {values.size:,})".replace("-", "−")
    axis.annotate(
        said, (1, 1), xytext=(0, 2), xycoords="axes fraction",
        textcoords="offset points", ha="right", va="bottom", color=COLOURS[1],
    )  # fmt: skip
    axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def _edges(values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-9:  # one value, give or take rounding errors: a bar in the middle
        return np.linspace(low - 0.5, high + 0.5, 12)
    return np.linspace(low, high, _n_bars(values) + 1)


def _n_bars(values: np.ndarray) -> int:
    """As many bars as their number asks for (Rice's rule), within bounds."""
    return int(np.clip(np.ceil(2 * values.size ** (1 / 3)), 5, _MOST_BARS))
