"""Recorded potentials of an activity as a picture file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn.plot.potentials import states
from spikelearn.plot.style import styled
from spikelearn.report.pictures import check_plot_path, panels, write_picture

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity


@styled()
def plot_potentials(
    activity: Activity,
    path: str | Path,
    trial: int = 0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> Path:
    """Draw what was recorded of neurons in one trial, one panel per population.

    Parameters
    ----------
    activity : Activity
        Simulated with `record`.
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
    names = [name.rpartition(".")[0] for name in activity.states]
    figure, axes = panels(8.0, 0.6 + 2.6 * len(names), nrows=len(names), sharex=True)
    for axis, name in zip(axes[:, 0], names, strict=True):
        states(activity[name], None, trial, start_ms, stop_ms, axis)
    for axis in axes[:-1, 0]:
        axis.set_xlabel("")
    return write_picture(figure, path)
