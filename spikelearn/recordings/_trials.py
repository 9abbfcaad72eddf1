"""Responses from spikes and the times at which stimuli were shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikelearn._time_steps import just_before

_CLOCK_S = 1e-9  # times that differ by less are the same: rounding of files


def counts_in_windows(
    trains_s: Sequence[np.ndarray], starts_s: np.ndarray, length_s: float
) -> np.ndarray:
    """Spikes of each train from each start on, array of shape (n_starts, n_trains).

    A window holds its start and not its end, whatever rounding has made of either.

    Parameters
    ----------
    trains_s : sequence of arrays of shape (n_spikes,)
        Spike times in s, ascending.
    starts_s : array of shape (n_starts,)
        Where the windows begin, in s.
    length_s : float
        How long each is.
    """
    counts = np.empty((len(starts_s), len(trains_s)))
    starts, ends = just_before(starts_s), just_before(starts_s + length_s)
    for column, train in enumerate(trains_s):
        first = np.searchsorted(train, starts, side="left")
        counts[:, column] = np.searchsorted(train, ends, side="left") - first
    return counts


def observed_windows(intervals_s: np.ndarray, starts_s: np.ndarray, length_s: float) -> np.ndarray:
    """Whether each window lies wholly in what was observed, bool array of shape (n_starts,).

    Parameters
    ----------
    intervals_s : array of shape (n_intervals, 2)
        Beginning and end of each stretch that was observed, in s, in any order; stretches that
        touch or overlap are one.
    starts_s : array of shape (n_starts,)
        Where the windows begin, in s.
    length_s : float
        How long each is.
    """
    merged: list[list[float]] = []
    for begin, end in sorted(np.asarray(intervals_s, dtype=np.float64).reshape(-1, 2).tolist()):
        if merged and begin <= merged[-1][1] + _CLOCK_S:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([begin, end])
    inside = np.zeros(len(starts_s), dtype=bool)
    for begin, end in merged:
        inside |= (starts_s >= begin - _CLOCK_S) & (starts_s + length_s <= end + _CLOCK_S)
    return inside


def touched_windows(intervals_s: np.ndarray, starts_s: np.ndarray, length_s: float) -> np.ndarray:
    """Whether each window overlaps one of the intervals, bool array of shape (n_starts,).

    Parameters
    ----------
    intervals_s, starts_s, length_s
        As in `observed_windows`; the intervals are those that are not valid.
    """
    touched = np.zeros(len(starts_s), dtype=bool)
    for begin, end in np.asarray(intervals_s, dtype=np.float64).reshape(-1, 2):
        touched |= (starts_s < end - _CLOCK_S) & (starts_s + length_s > begin + _CLOCK_S)
    return touched


def stacked_repeats(values: np.ndarray, which: np.ndarray, n_stimuli: int) -> np.ndarray:
    """Trials sorted by stimulus, shape (n_stimuli, n_repeats, ...); NaN where a repeat is missing.

    Parameters
    ----------
    values : array of shape (n_trials, ...)
    which : int array of shape (n_trials,)
        The stimulus of each trial.
    n_stimuli : int
    """
    order = np.argsort(which, kind="stable")
    counts = np.bincount(which, minlength=n_stimuli)
    repeat = np.empty(which.size, dtype=int)
    repeat[order] = np.arange(which.size) - np.repeat(np.cumsum(counts) - counts, counts)
    stacked = np.full((n_stimuli, counts.max(), *values.shape[1:]), np.nan)
    stacked[which, repeat] = values
    return stacked
