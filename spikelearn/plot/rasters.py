"""Rasters: a mark for every spike of one trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn._spike_arrays import PopulationSpikes, pieces
from spikelearn.plot.drawn_activity import Drawn, activity_of, whole_number
from spikelearn.plot.style import COLOURS, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_NEURONS = 500  # drawn of a population; more would run together


def raster(
    activity: Drawn,
    trial: int = 0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the spikes of one trial, several populations one above the other.

    Populations of more than `MAX_NEURONS` neurons are thinned out evenly; the label says so.

    Parameters
    ----------
    activity : Activity, population of one, str or Path
        What was simulated, `activity["name"]` for a population alone, or a file of spikes.
    trial : int
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
        If there is no such trial, or the part does not lie within it.

    Examples
    --------
    >>> import spikelearn as sl
    >>> activity = sl.simulate("izhikevich2003", duration_ms=50)
    >>> sl.plot.raster(activity["excitatory"]).get_xlabel()
    'time (ms)'
    """
    activity = activity_of(activity)
    trial = whole_number("trial", trial, activity.n_trials)
    activity = activity.between(start_ms, stop_ms)
    names = list(activity.populations)
    with drawing(ax, height=3.2 if len(names) == 1 else 4.2) as axis:
        if len(names) == 1:
            raster_panel(axis, activity.populations[names[0]], names[0], trial, start_ms)
        else:
            _stacked(axis, dict(activity.populations), trial, start_ms)
        axis.set_xlabel("time (ms)")
        axis.set_xlim(start_ms, start_ms + activity.duration_ms)
    return axis


def raster_panel(
    axis: Axes, spikes: PopulationSpikes, name: str, trial: int, start_ms: float = 0.0
) -> None:
    """Draw one population, a row a neuron.

    Parameters
    ----------
    axis : Axes
    spikes : PopulationSpikes
    name : str
        Of the population.
    trial : int
    start_ms : float
        From which the times of `spikes` are counted.
    """
    step = _step(spikes)
    times_ms, senders = _thinned(spikes, trial, step)
    draw_spikes(axis, times_ms + start_ms, senders, spikes.size / step)
    axis.set_ylabel(f"{name}\nneuron{_thinned_words(step)}")
    axis.set_ylim(-0.5, spikes.size - 0.5)


def draw_spikes(
    axis: Axes, times_ms: np.ndarray, rows: np.ndarray, n_rows: float, colour: str = "black"
) -> None:
    """Draw a mark for each spike.

    Parameters
    ----------
    axis : Axes
    times_ms, rows : arrays of shape (n_spikes,)
        Where each is.
    n_rows : float
        How many rows share the height: marks are smaller where there are many.
    colour : str
    """
    size = float(np.clip(250 / max(n_rows, 1), 1.5, 8))
    if len(times_ms) < 200:
        size = max(size, 5.0)  # few marks can be seen
    axis.plot(times_ms, rows, "|", color=colour, markersize=size, rasterized=True)


def _stacked(
    axis: Axes, populations: dict[str, PopulationSpikes], trial: int, start_ms: float
) -> None:
    """Draw populations one above the other, the first at the top, each with room for its rows."""
    rows = {name: -(-spikes.size // _step(spikes)) for name, spikes in populations.items()}
    least = max(rows.values()) // 12 + 1  # so that a name fits beside it
    bottom, ticks, names = 0.0, [], []
    for index, (name, spikes) in reversed(list(enumerate(populations.items()))):
        step = _step(spikes)
        times_ms, senders = _thinned(spikes, trial, step)
        height = max(rows[name], least)
        stretch = height / max(rows[name], 1)
        places = bottom + (senders / step + 0.5) * stretch
        colour = COLOURS[index % len(COLOURS)]
        draw_spikes(axis, times_ms + start_ms, places, sum(rows.values()), colour)
        ticks.append(bottom + height / 2)
        names.append(f"{name}{_thinned_words(step)}")
        bottom += height
        axis.axhline(bottom, color="#bbbbbb", linewidth=0.5)
    axis.set_yticks(ticks, names)
    for text in axis.get_yticklabels():
        text.set_parse_math(False)
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(0, bottom)


def _step(spikes: PopulationSpikes) -> int:
    """Every how many neurons one is drawn."""
    return max(1, -(-spikes.size // MAX_NEURONS))


def _thinned_words(step: int) -> str:
    return f"\n(1 in {step} shown)" if step > 1 else ""


def _thinned(spikes: PopulationSpikes, trial: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and senders of one trial's spikes, of every `step`th neuron."""
    here = spikes.of_trial(trial)
    times_ms, senders = [np.empty(0)], [np.empty(0, dtype=np.int64)]
    for piece in pieces(here.stop, here.start):
        chosen = spikes.senders[piece] % step == 0
        times_ms.append(spikes.times_ms[piece][chosen])
        senders.append(spikes.senders[piece][chosen])
    return np.concatenate(times_ms), np.concatenate(senders)
