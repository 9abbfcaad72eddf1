"""A part of every trial: statistics without the transient at the start."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._arguments import check_numbers
from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._time_steps import nearest_step, nearest_steps
from spikelearn.spikes.state_steps import state_steps

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity

# Of a time step: a spike on the grid belongs to the part that its step begins.
_SLACK = 1e-6


def between(activity: Activity, start_ms: float = 0.0, stop_ms: float | None = None) -> Activity:
    """The same activity from `start_ms` to `stop_ms` of each trial, times counted from its start.

    Parameters
    ----------
    activity : Activity
    start_ms : float
        Earlier spikes and states are left out, as the transient at the start of a simulation is.
    stop_ms : float, optional
        Spikes at this time and later ones are left out; the end of the trial if absent.

    Returns
    -------
    Activity
        As long as the part; `provenance["window_ms"]` says which part it is. Final weights are
        those at the end of the whole trial. Where nothing is cut, the activity itself.

    Raises
    ------
    SpikelearnError
        If the part does not lie within the trial, or has no length.
    """
    check_numbers(start_ms=start_ms, **({} if stop_ms is None else {"stop_ms": stop_ms}))
    stop = activity.duration_ms if stop_ms is None else float(stop_ms)
    if not 0 <= start_ms < stop <= activity.duration_ms * (1 + 1e-9):
        raise SpikelearnError(
            f"start_ms and stop_ms must lie within the trial, 0 to {activity.duration_ms:g} ms, and"
            f" start_ms before stop_ms, found {start_ms:g} and {stop:g} ms"
        )
    to_the_end = stop >= activity.duration_ms
    if start_ms == 0 and to_the_end:
        return activity
    dt_ms = activity.dt_ms
    first, last = nearest_step(start_ms, dt_ms), nearest_step(stop, dt_ms)
    kept, first_record = _records(activity, first, None if to_the_end else last)
    earlier = activity.provenance.get("window_ms", [0.0])[0]
    return dataclasses.replace(
        activity,
        populations={
            name: _spikes_between(spikes, start_ms, np.inf if to_the_end else stop, dt_ms)
            for name, spikes in activity.populations.items()
        },
        duration_ms=_on_grid(np.array([stop - start_ms]), dt_ms).item(),
        states={name: state[:, kept] for name, state in activity.states.items()},
        states_first_ms=(first_record - first) * dt_ms,
        provenance={
            **activity.provenance,
            "window_ms": [float(earlier + start_ms), float(earlier + stop)],
        },
    )


def _records(activity: Activity, first: int, last: int | None) -> tuple[slice, int]:
    """Which records of states lie from step `first` to before `last`, and the step of the first."""
    every, begin = state_steps(activity)
    start = max(0, -((begin - first) // every))
    stop = None if last is None else max(start, -((begin - last) // every))
    return slice(start, stop), begin + start * every


def _spikes_between(
    spikes: PopulationSpikes, start_ms: float, stop_ms: float, dt_ms: float
) -> PopulationSpikes:
    slack = _SLACK * dt_ms
    inside = (spikes.times_ms >= start_ms - slack) & (spikes.times_ms < stop_ms - slack)
    times = _on_grid(spikes.times_ms[inside] - start_ms, dt_ms)
    return PopulationSpikes(
        spikes.size, np.maximum(times, 0.0), spikes.senders[inside], spikes.trials[inside]
    )


def _on_grid(times_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    """Times that a difference moved off the grid by a rounding error, on it again."""
    steps = nearest_steps(times_ms, dt_ms) * dt_ms
    result: np.ndarray = np.where(np.abs(times_ms - steps) <= _SLACK * dt_ms, steps, times_ms)
    return result


def of_population(
    activity: Activity, population: str, start_ms: float, stop_ms: float | None
) -> Activity:
    """The same part of one population alone, without states: what a statistic of it reads.

    Parameters
    ----------
    activity : Activity
    population : str
    start_ms, stop_ms : float
        As in `between`.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or the part is none.
    """
    alone = dataclasses.replace(activity[population].alone(), states={})
    return between(alone, start_ms, stop_ms)


def trials_by_stimulus(activity: Activity) -> dict[str, np.ndarray]:
    """The numbers of the trials that showed each stimulus, in order of first appearance."""
    labels = np.array([str(label) for label in activity.labels], dtype=object)
    return {name: np.flatnonzero(labels == name) for name in dict.fromkeys(labels)}
