"""A raster plot of an activity as a picture file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes, pieces
from spikelearn.report.pictures import check_plot_path, styled, write_picture

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity

MAX_NEURONS = 500  # drawn of a population; more would run together


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
        spikes = activity[name]
        step = -(-spikes.size // MAX_NEURONS)
        times_ms, senders = _thinned(spikes, trial, step)
        axis.plot(
            times_ms + start_ms, senders, "|", color="black",
            markersize=float(np.clip(250 / spikes.size * step, 1.5, 8)), rasterized=True,
        )  # fmt: skip
        thinned = f"\n(1 in {step} shown)" if step > 1 else ""
        axis.set_ylabel(f"{name}\nneuron{thinned}")
        axis.set_ylim(-0.5, spikes.size - 0.5)
    axes[-1].set_xlabel("time (ms)")
    axes[-1].set_xlim(start_ms, start_ms + activity.duration_ms)
    label = activity.labels[trial]
    backend = activity.provenance.get("backend", "")
    axes[0].set_title(f"stimulus {label}{f', {backend}' if backend else ''}", fontsize=10)
    return write_picture(figure, path)


def _thinned(spikes: PopulationSpikes, trial: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and senders of one trial's spikes, of every `step`th neuron."""
    here = spikes.of_trial(trial)
    times_ms, senders = [np.empty(0)], [np.empty(0, dtype=np.int64)]
    for piece in pieces(here.stop, here.start):
        chosen = spikes.senders[piece] % step == 0
        times_ms.append(spikes.times_ms[piece][chosen])
        senders.append(spikes.senders[piece][chosen])
    return np.concatenate(times_ms), np.concatenate(senders)
