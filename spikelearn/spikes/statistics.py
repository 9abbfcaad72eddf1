"""Spike-train statistics, computed by Elephant (https://python-elephant.org)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.spikes.activity import Activity

# Fewer spikes give fewer than two intervals, and one interval has no variation.
_LEAST_SPIKES = 3


def rates_hz(activity: Activity, population: str) -> np.ndarray:
    """Firing rate of each neuron in Hz, over all trials.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.

    Returns
    -------
    array of shape (size,)

    Raises
    ------
    SpikelearnError
        If the population was not recorded.
    """
    counts = activity[population].counts(activity.n_trials)
    return counts.sum(axis=0) / (activity.n_trials * activity.duration_ms / 1000.0)


def isi_cv(activity: Activity, population: str) -> np.ndarray:
    """Coefficient of variation of each neuron's interspike intervals.

    It is taken within trials and averaged over those in which the neuron fired three times or
    more; intervals are not pooled over trials, whose rates differ with the stimulus. 0 is a clock,
    1 a Poisson process.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.

    Returns
    -------
    array of shape (size,)
        NaN for neurons that fired less than three times in every trial.

    Raises
    ------
    SpikelearnError
        If the population was not recorded.
    """
    from elephant.statistics import cv, isi

    spikes = activity[population]
    values = np.full((activity.n_trials, spikes.size), np.nan)
    for trial in range(activity.n_trials):
        for neuron, train in enumerate(spikes.trains(trial)):
            if len(train) >= _LEAST_SPIKES:
                values[trial, neuron] = cv(isi(train))
    return _mean_of_known(values)


def fano_factor(activity: Activity, population: str) -> np.ndarray:
    """Fano factor of each neuron: variance over mean of its spike count across trials.

    Where trials show different stimuli, tuning to them adds to the variance.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.

    Returns
    -------
    array of shape (size,)
        NaN for silent neurons, and for all of them if there is one trial.

    Raises
    ------
    SpikelearnError
        If the population was not recorded.
    """
    from elephant.statistics import fanofactor

    spikes = activity[population]
    if activity.n_trials < 2:
        return np.full(spikes.size, np.nan)
    by_trial = [spikes.trains(trial) for trial in range(activity.n_trials)]
    return np.array([fanofactor(list(trains)) for trains in zip(*by_trial, strict=True)])


def summary(activity: Activity) -> pd.DataFrame:
    """One row per population.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.

    Returns
    -------
    pandas.DataFrame
        Columns `population`, `size`, `n_spikes`, `rate_hz` (mean over neurons and trials),
        `isi_cv` (median over the neurons that have one, see `isi_cv`), `fano_factor` (mean over
        the neurons that fired; NaN for one trial) and `silent_fraction` (of neurons without a
        spike in any trial).
    """
    import pandas as pd

    rows = []
    for name, spikes in activity.populations.items():
        rates = rates_hz(activity, name)
        rows.append(
            {
                "population": name,
                "size": spikes.size,
                "n_spikes": len(spikes),
                "rate_hz": _over_neurons(np.mean, rates),
                "isi_cv": _over_neurons(np.median, isi_cv(activity, name)),
                "fano_factor": _over_neurons(np.mean, fano_factor(activity, name)),
                "silent_fraction": _over_neurons(np.mean, rates == 0),
            }
        )
    columns = ["population", "size", "n_spikes", "rate_hz", "isi_cv", "fano_factor"]
    return pd.DataFrame(rows, columns=[*columns, "silent_fraction"])


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis leaving out NaN, and NaN (without a warning) where all are."""
    known = ~np.isnan(values)
    n_known = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan)


def _over_neurons(reduce: Callable[[np.ndarray], np.floating], values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(reduce(known)) if known.size else float("nan")
