"""The session clock: trials laid one after another on one time axis.

NWB has one time axis per file, and a NIX file with a Neo spike train for each neuron and trial
takes minutes to write; in both, trials follow each other on a session clock instead. A trial
takes a whole number of steps and is followed by one empty step at least, so that a spike at the
very end of a trial cannot be taken for one at the start of the next. Where states are recorded
every so many steps, it is a multiple of these, so that they are as regular on the session clock.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._time_steps import nearest_step, nearest_steps
from spikelearn.spikes.state_steps import state_steps

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity

# Times within a nanosecond of the grid are on it: the sum and difference with a trial's start
# moved them by far less.
_SNAP_MS = 1e-6


def session_start(provenance: Mapping[str, Any]) -> tuple[datetime.datetime, str]:
    """When the session starts, and where that is known from."""
    try:
        start = datetime.datetime.fromisoformat(str(provenance["created"]))
    except (KeyError, ValueError):
        unknown = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
        return unknown, "the session start time is a placeholder"
    if start.tzinfo is None:
        start = start.replace(tzinfo=datetime.UTC)
    return start, "the session start time is when the simulation was run"


def steps_per_trial(activity: Activity) -> int:
    """Steps from the start of one trial to the start of the next."""
    # The rounding keeps 500 / 0.1 = 5000.000000000001 from becoming 5001 steps.
    steps = math.ceil(round(activity.duration_ms / activity.dt_ms, 6))
    every, first = state_steps(activity) if activity.states else (1, 0)
    ends = [first + (state.shape[1] - 1) * every + 1 for state in activity.states.values()]
    return -(-(max([steps, *ends]) + 1) // every) * every


def records_per_trial(activity: Activity) -> int:
    """Records of a state from the start of one trial to the start of the next."""
    return steps_per_trial(activity) // state_steps(activity)[0]


def read_records_per_trial(starts_ms: np.ndarray, meta: Mapping[str, Any]) -> int:
    """The same by what a file says; 0 of one trial.

    Parameters
    ----------
    starts_ms : array of shape (n_trials,)
        Start of each trial on the session clock.
    meta : mapping
        What the file says of itself.
    """
    if len(starts_ms) < 2:
        return 0
    return nearest_step(starts_ms[1] - starts_ms[0], meta.get("states_every_ms", meta["dt_ms"]))


def trial_starts_ms(activity: Activity) -> np.ndarray:
    """Start of each trial on the session clock in ms, array of shape (n_trials,)."""
    steps = np.arange(activity.n_trials, dtype=np.int64) * steps_per_trial(activity)
    return steps * float(activity.dt_ms)


def session_trains_ms(
    spikes: PopulationSpikes, starts_ms: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Spike trains of all neurons on the session clock.

    Returns
    -------
    times_ms : array of shape (n_spikes,)
        Spike times, neuron after neuron.
    ends : array of shape (size,)
        Where in `times_ms` each neuron's train ends.
    """
    spikes.require_memory(16)
    order = np.argsort(spikes.senders, kind="stable")
    times = spikes.times_ms[order] + starts_ms[spikes.trials[order]]
    return times, np.cumsum(np.bincount(spikes.senders, minlength=spikes.size))


def split_trials(
    size: int,
    times_ms: np.ndarray,
    senders: np.ndarray,
    *,
    starts_ms: np.ndarray,
    duration_ms: float,
    dt_ms: float,
) -> PopulationSpikes:
    """Spikes by trial from spikes on the session clock; undoes `session_trains_ms`.

    Parameters
    ----------
    size : int
        Number of neurons.
    times_ms : array of shape (n_spikes,)
        Spike times on the session clock.
    senders : array of shape (n_spikes,)
        Index of the neuron of each spike.
    starts_ms : array of shape (n_trials,)
        Start of each trial on the session clock.
    duration_ms, dt_ms : float
        Duration of a trial and time step of the grid.
    """
    trials = np.searchsorted(starts_ms - dt_ms / 2, times_ms, side="right") - 1
    times = times_ms - starts_ms[trials]
    on_grid = nearest_steps(times, dt_ms) * dt_ms
    times = np.where(np.abs(times - on_grid) < _SNAP_MS, on_grid, times)
    return PopulationSpikes.from_unsorted(size, np.clip(times, 0, duration_ms), senders, trials)


def session_state(state: np.ndarray, per_trial: int) -> np.ndarray:
    """A recorded state on the session clock; NaN where no trial runs.

    Parameters
    ----------
    state : array of shape (n_trials, n_times, size)
        What was recorded.
    per_trial : int
        Records from the start of one trial to the start of the next.

    Returns
    -------
    array of shape ((n_trials - 1) * per_trial + n_times, size)
    """
    n_trials, n_times, size = state.shape
    dtype = state.dtype if state.dtype.kind == "f" else np.float64
    joined = np.full((n_trials, per_trial, size), np.nan, dtype=dtype)
    joined[:, :n_times] = state
    return joined.reshape(n_trials * per_trial, size)[: (n_trials - 1) * per_trial + n_times]


def split_state(joined: np.ndarray, per_trial: int, shape: tuple[int, int, int]) -> np.ndarray:
    """The state by trial, of the given shape; undoes `session_state`.

    Parameters
    ----------
    joined : array of shape (n, size)
        The state on the session clock.
    per_trial : int
        Records from the start of one trial to the start of the next.
    shape : tuple of (n_trials, n_times, size)
    """
    n_trials, n_times, size = shape
    joined = np.asarray(joined)
    whole = ((n_trials - 1) * per_trial + n_times) * size
    if min(shape) < 0 or joined.size != whole:
        raise SpikelearnError(
            f"a recorded state has {counted(joined.size, 'value')} where one of"
            f" {counted(n_trials, 'trial')} of"
            f" {n_times} times and {counted(size, 'neuron')} has {whole}"
        )
    starts = np.arange(n_trials) * per_trial
    joined = joined.reshape(-1, size)
    return joined[starts[:, None] + np.arange(n_times)]
