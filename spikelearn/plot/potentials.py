"""Recorded states over time, such as membrane potentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import nearest_step
from spikelearn.plot.drawn_activity import Drawn, activity_of, whole_number
from spikelearn.plot.style import drawing, pens_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spikelearn.spikes.activity import Activity

MOST_NEURONS = 5  # drawn where none are chosen
_LABELS = {"v_mv": "membrane potential (mV)"}


def states(
    activity: Drawn,
    neurons: int | Sequence[int] | None = None,
    trial: int = 0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what was recorded of neurons over one trial, a line a neuron.

    Parameters
    ----------
    activity : Activity, population of one, str or Path
        What was simulated with `record="name"`; of several recorded populations
        `activity["name"]`.
    neurons : int or sequence of int, optional
        Which; the first `MOST_NEURONS`, if absent, and the axis says of how many.
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
        Where nothing was recorded, or of several populations, or there is no such neuron or trial,
        or the part does not lie within the trial.

    Examples
    --------
    >>> import spikelearn as sl
    >>> activity = sl.simulate("lif_neuron", "step_current", 100, record="neuron")
    >>> sl.plot.states(activity).get_ylabel()
    'membrane potential (mV)'
    """
    activity = activity_of(activity)
    name = _recorded(activity)
    trial = whole_number("trial", trial, activity.n_trials)
    cut = activity.between(start_ms, stop_ms)
    values = cut.states[name][trial]
    if not len(values):
        raise SpikelearnError(
            f"no potential was recorded from {start_ms:g} to {start_ms + cut.duration_ms:g} ms, as"
            f" there is a record every {cut.states_every_ms:g} ms alone"
        )
    population, _, variable = name.rpartition(".")
    recorded = activity[population].recorded_neurons.tolist()
    chosen = _chosen(neurons, recorded)
    # The states that are cut out are those from the grid point on that is nearest to `start_ms`.
    times_ms = nearest_step(start_ms, cut.dt_ms) * cut.dt_ms + cut.state_times_ms(name)
    with drawing(ax) as axis:
        for neuron, pen in zip(chosen, pens_of(len(chosen)), strict=True):
            line = values[:, recorded.index(neuron)]
            axis.plot(times_ms, line, linewidth=1, label=str(neuron), **pen)
        axis.set_ylabel(_LABELS.get(variable, variable.replace("_", " ")))
        axis.set_xlabel("time (ms)")
        axis.set_xlim(start_ms, start_ms + cut.duration_ms)
        label = "" if cut.n_trials == 1 else f", stimulus {cut.labels[trial]}"
        axis.set_title(f"{population}{label}")
        if len(chosen) > 1:
            few = len(chosen) < len(recorded)
            of = f"neuron ({len(chosen)} of {len(recorded)})" if few else "neuron"
            axis.legend(title=of, fontsize=8, title_fontsize=8)
    return axis


def _recorded(activity: Activity) -> str:
    if not activity.states:
        names = ", ".join(activity.populations)
        raise SpikelearnError(
            f"no potential was recorded; simulate with record='NAME' for one of {names}"
        )
    if len(activity.states) > 1:
        names = ", ".join(f"activity['{name.rpartition('.')[0]}']" for name in activity.states)
        raise SpikelearnError(f"several populations were recorded; give one of {names}")
    return next(iter(activity.states))


def _chosen(neurons: Any, recorded: list[int]) -> list[int]:
    if neurons is None:
        return recorded[:MOST_NEURONS]
    if isinstance(neurons, str):
        raise SpikelearnError(f"neurons are numbers, found '{neurons}'")
    try:
        given = list(neurons)
    except TypeError:
        given = [neurons]
    if not given:
        raise SpikelearnError("neurons are the numbers of at least one, found none")
    if recorded == list(range(len(recorded))):
        return [whole_number("neuron", number, len(recorded)) for number in given]
    for number in given:
        if number not in recorded:
            some = ", ".join(map(str, recorded[:MOST_NEURONS]))
            raise SpikelearnError(f"neuron {number!r:.40} was not recorded; {some} ... were")
    return given
