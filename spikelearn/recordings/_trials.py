"""Responses from spikes and the times at which stimuli were shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

import numpy as np

from spikelearn._errors import SpikelearnError


def counts_in_windows(
    trains_s: Sequence[np.ndarray], starts_s: np.ndarray, length_s: float
) -> np.ndarray:
    """Spikes of each train from each start on, array of shape (n_starts, n_trains).

    A window holds its start and not its end.

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
    for column, train in enumerate(trains_s):
        first = np.searchsorted(train, starts_s, side="left")
        counts[:, column] = np.searchsorted(train, starts_s + length_s, side="left") - first
    return counts


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


def shown_stimuli(names: Sequence[str], labels: Sequence[str], path: Path) -> np.ndarray:
    """The number of the stimulus that each name means; -1 where it means none.

    Parameters
    ----------
    names : sequence of str
        What was shown in each trial: labels, or paths whose last part, with or without its suffix,
        is one.
    labels : sequence of str
        The stimuli in their order.
    path : Path
        Where it was read, for the message.

    Raises
    ------
    SpikelearnError
        If a stimulus was never shown.
    """
    number = {label: i for i, label in enumerate(labels)}
    which = np.array(
        [number.get(name, number.get(PurePath(name).stem, -1)) for name in names], dtype=int
    )
    missing = sorted(set(range(len(labels))) - set(which.tolist()))
    if missing:
        seen = ", ".join(list(dict.fromkeys(names))[:3]) or "nothing"
        raise SpikelearnError(
            f"{path} never shows the stimulus {labels[missing[0]]}"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}; it shows {seen} ..."
        )
    return which
