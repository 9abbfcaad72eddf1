"""Spike-train statistics of single neurons, and the summary by population.

Rates, intervals and their variation are Elephant's (https://python-elephant.org) in definition,
which the tests hold them to. Elephant computes them one train at a time, nearly a millisecond each;
here they are computed for all neurons at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.spikes.correlation import pairwise_correlations
from spikelearn.spikes.synchrony import population_fano_factor

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.spikes.activity import Activity

# One interval has no variation.
_LEAST_INTERVALS = 2


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


def interspike_intervals_ms(activity: Activity, population: str) -> np.ndarray:
    """Interspike intervals of all neurons, within trials.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.

    Returns
    -------
    array of shape (n_intervals,)
        In ms, sorted by trial, then neuron, then time.

    Raises
    ------
    SpikelearnError
        If the population was not recorded.
    """
    return _intervals_ms(activity, population)[0]


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
    intervals, trains = _intervals_ms(activity, population)
    n_trains = activity.n_trials * activity[population].size
    n_intervals = np.bincount(trains, minlength=n_trains)
    n = np.maximum(n_intervals, 1)
    means = np.bincount(trains, intervals, n_trains) / n
    variances = np.bincount(trains, (intervals - means[trains]) ** 2, n_trains) / n
    known = n_intervals >= _LEAST_INTERVALS
    values = np.full(n_trains, np.nan)
    values[known] = np.sqrt(variances[known]) / means[known]
    return _mean_of_known(values.reshape(activity.n_trials, -1))


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
    counts = activity[population].counts(activity.n_trials)
    factors = np.full(counts.shape[1], np.nan)
    fired = counts.any(axis=0)
    if activity.n_trials > 1:
        factors[fired] = counts[:, fired].var(axis=0) / counts[:, fired].mean(axis=0)
    return factors


def summary(activity: Activity, bin_ms: float = 5.0) -> pd.DataFrame:
    """One row per population.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    bin_ms : float
        Width of the bins of `correlation` and `synchrony`.

    Returns
    -------
    pandas.DataFrame
        Columns `population`, `size`, `n_spikes`, `rate_hz` (mean over neurons and trials),
        `isi_cv` (median over the neurons that have one, see `isi_cv`), `fano_factor` (mean over
        the neurons that fired; NaN for one trial), `correlation` (mean of `pairwise_correlations`
        of 100 neurons), `synchrony` (see `population_fano_factor`) and `silent_fraction` (of
        neurons without a spike in any trial). The two of bins are NaN where no bin fits into a
        trial.

    Raises
    ------
    SpikelearnError
        If bins are not of positive width.
    """
    import pandas as pd

    if not bin_ms > 0:
        raise SpikelearnError(f"a bin must be above 0 ms, found {bin_ms:g} ms")
    fits = bin_ms <= activity.duration_ms
    rows = []
    for name, spikes in activity.populations.items():
        rates = rates_hz(activity, name)
        pairs = pairwise_correlations(activity, name, bin_ms) if fits else np.empty(0)
        rows.append(
            {
                "population": name,
                "size": spikes.size,
                "n_spikes": len(spikes),
                "rate_hz": _over_neurons(np.mean, rates),
                "isi_cv": _over_neurons(np.median, isi_cv(activity, name)),
                "fano_factor": _over_neurons(np.mean, fano_factor(activity, name)),
                "correlation": _over_neurons(np.mean, pairs),
                "synchrony": population_fano_factor(activity, name, bin_ms) if fits else np.nan,
                "silent_fraction": _over_neurons(np.mean, rates == 0),
            }
        )
    columns = ["population", "size", "n_spikes", "rate_hz", "isi_cv", "fano_factor"]
    return pd.DataFrame(rows, columns=[*columns, "correlation", "synchrony", "silent_fraction"])


def _intervals_ms(activity: Activity, population: str) -> tuple[np.ndarray, np.ndarray]:
    """All interspike intervals, and the index of the train (trial by trial) that has each."""
    spikes = activity[population]
    trains = spikes.trials * spikes.size + spikes.senders
    order = np.argsort(trains, kind="stable")  # times stay in order within a train
    trains = trains[order]
    within = trains[1:] == trains[:-1]
    intervals: np.ndarray = np.diff(spikes.times_ms[order])[within]
    return intervals, trains[1:][within]


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis leaving out NaN, and NaN (without a warning) where all are."""
    known = ~np.isnan(values)
    n_known = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(n_known > 0, total / np.maximum(n_known, 1), np.nan)


def _over_neurons(reduce: Callable[[np.ndarray], np.floating], values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(reduce(known)) if known.size else float("nan")
