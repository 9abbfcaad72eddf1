"""Spike-train statistics of single neurons, and the summary by population.

Rates, intervals and their variation are Elephant's (https://python-elephant.org) in definition,
which the tests hold them to. Elephant computes them one train at a time, nearly a millisecond each;
here they are computed for all neurons at once. The variance of Fano factors is the unbiased one,
where Elephant's is that of the population.

All take `start_ms` and `stop_ms`: a simulation begins with a transient, which is no part of what it
settles to. What few spikes or trials do to each estimate stands with it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.spikes.correlation import pairwise_correlations
from spikelearn.spikes.synchrony import population_fano_factor
from spikelearn.spikes.window import between, of_population, trials_by_stimulus

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.spikes.activity import Activity

LEAST_INTERVALS = 20
"""Intervals of a train from which a coefficient of variation is taken, unless told otherwise."""

COLUMNS = [
    "population", "size", "n_spikes", "rate_hz", "isi_cv", "cv2", "n_intervals", "fano_factor",
    "n_repeats", "correlation", "n_pairs", "synchrony", "silent_fraction",
]  # fmt: skip


def rates_hz(
    activity: Activity, population: str, start_ms: float = 0.0, stop_ms: float | None = None
) -> np.ndarray:
    """Firing rate of each neuron in Hz, over all trials.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    array of shape (size,)

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or the part lies outside the trial.
    """
    part = of_population(activity, population, start_ms, stop_ms)
    counts = part[population].counts(part.n_trials)
    return counts.sum(axis=0) / (part.n_trials * part.duration_ms / 1000.0)


def interspike_intervals_ms(
    activity: Activity, population: str, start_ms: float = 0.0, stop_ms: float | None = None
) -> np.ndarray:
    """Interspike intervals of all neurons, within trials.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    array of shape (n_intervals,)
        In ms, sorted by trial, then neuron, then time. Intervals longer than the part are in none,
        so that the mean interval of slow neurons reads low.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or the part lies outside the trial.
    """
    return _intervals_ms(of_population(activity, population, start_ms, stop_ms), population)[0]


def isi_cv(
    activity: Activity,
    population: str,
    min_intervals: int = LEAST_INTERVALS,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> np.ndarray:
    """Coefficient of variation of each neuron's interspike intervals.

    It is taken within trials and averaged over those in which the neuron has `min_intervals` or
    more; intervals are not pooled over trials, whose rates differ with the stimulus. 0 is a clock,
    1 a Poisson process of many intervals. Of few it reads low: for a Poisson process 0.50 of 2
    intervals, 0.78 of 5, 0.88 of 10, 0.93 of 20, 0.97 of 50. `cv2` and `local_variation` do not.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.
    min_intervals : int
        At least 2, for one interval has no variation.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    array of shape (size,)
        NaN for neurons with fewer intervals in every trial, or with intervals of 0 alone.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, the part lies outside the trial, or `min_intervals` is
        below 2.
    """
    if min_intervals < 2:
        raise SpikelearnError(f"min_intervals must be at least 2, found {min_intervals}")
    part = of_population(activity, population, start_ms, stop_ms)
    return _cv(
        *_intervals_ms(part, population), part.n_trials, part[population].size, min_intervals
    )


def cv2(
    activity: Activity, population: str, start_ms: float = 0.0, stop_ms: float | None = None
) -> np.ndarray:
    """Local variation CV2 of each neuron's intervals: the mean of `2 |b - a| / (a + b)`.

    a and b are intervals that follow one another within a trial. 0 is a clock, and 1 is expected of
    a Poisson process, exactly so for however few spikes and however short a trial, for given their
    sum each of the two is uniform; rates that change slowly do not matter either. (Holt et al.
    1996, doi:10.1152/jn.1996.75.5.1806.)

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    array of shape (size,)
        Over all trials together; NaN for neurons that fired less than three times in every one.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or the part lies outside the trial.
    """
    part = of_population(activity, population, start_ms, stop_ms)
    return _cv2(*_intervals_ms(part, population), part[population].size)


def local_variation(
    activity: Activity, population: str, start_ms: float = 0.0, stop_ms: float | None = None
) -> np.ndarray:
    """Local variation LV of each neuron's intervals: three times the mean of ((b - a) / (a + b))².

    As `cv2`, it is without bias for a Poisson process of few spikes, where 1 is expected; 0 is a
    clock, and gamma-distributed intervals of shape k give 3 / (2 k + 1). (Shinomoto et al. 2003,
    doi:10.1162/089976603322518759.)

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    array of shape (size,)
        Over all trials together; NaN for neurons that fired less than three times in every one.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or the part lies outside the trial.
    """
    part = of_population(activity, population, start_ms, stop_ms)
    ratios, neurons = _ratios_of_pairs(*_intervals_ms(part, population), part[population].size)
    return _means(3 * ratios**2, neurons, part[population].size)


def fano_factor(
    activity: Activity,
    population: str,
    pool_stimuli: bool = False,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> np.ndarray:
    """Fano factor of each neuron: variance over mean of its spike count across trials.

    It is taken over the trials of each stimulus (trials of the same label) and averaged over the
    stimuli in which the neuron fired, each weighing as much as it has trials beyond the first.
    The variance is divided by the number of trials less one: then 1 is expected of a Poisson
    process, of two trials too, though the fewer the trials the more it scatters (its standard
    deviation is about 1.4 by the root of the trials beyond the first).

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.
    pool_stimuli : bool
        Whether all trials are taken for trials of one stimulus: then tuning adds to the variance.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    array of shape (size,)
        NaN for silent neurons, and for all of them where no stimulus has two trials.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or the part lies outside the trial.

    Warns
    -----
    UserWarning
        Where there are several trials, but each of another stimulus.
    """
    part = of_population(activity, population, start_ms, stop_ms)
    if activity.n_trials > 1 and not pool_stimuli and not n_repeats(activity):
        warnings.warn(
            f"there is no Fano factor: each of the {activity.n_trials} trials has a label of its"
            " own, and counts vary with the stimulus; give trials of one stimulus the same label,"
            " or take all for one by pool_stimuli=True",
            stacklevel=2,
        )
    return _fano_factor(part, population, pool_stimuli)


def n_repeats(activity: Activity) -> int:
    """Trials that show a stimulus which another trial shows too: what Fano factors rest on."""
    groups = trials_by_stimulus(activity).values()
    return sum(trials.size for trials in groups if trials.size > 1)


def summary(
    activity: Activity,
    bin_ms: float = 5.0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
    without: Collection[str] = (),
) -> pd.DataFrame:
    """One row per population.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    bin_ms : float
        Width of the bins of `correlation` and `synchrony`.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out. Simulations begin with a
        transient, which raises `synchrony` and `correlation` above all.
    without : collection of str
        Columns that are left NaN: `correlation` and `synchrony`, which take longer than all others
        together.

    Returns
    -------
    pandas.DataFrame
        Columns `population`, `size`, `n_spikes`, `rate_hz` (mean over neurons and trials),
        `isi_cv` (median over the neurons that have 20 intervals in a trial, see `isi_cv`), `cv2`
        (mean over neurons, see `cv2`: without bias where spikes are few), `n_intervals` (of all
        neurons), `fano_factor` (mean over the neurons that fired; NaN where no stimulus has two
        trials), `n_repeats` (the trials it rests on), `correlation` (mean of
        `pairwise_correlations` of 100 neurons), `n_pairs` (how many), `synchrony` (see
        `population_fano_factor`) and `silent_fraction` (of neurons without a spike in any trial).
        The two of bins are NaN where no bin fits into a trial.

    Raises
    ------
    SpikelearnError
        If bins are not of positive width, or the part lies outside the trial.
    """
    import pandas as pd

    if not bin_ms > 0:
        raise SpikelearnError(f"a bin must be above 0 ms, found {bin_ms:g} ms")
    part = between(activity, start_ms, stop_ms)
    fits = bin_ms <= part.duration_ms
    rows = []
    for name, spikes in part.populations.items():
        rates = rates_hz(part, name)
        intervals = _intervals_ms(part, name)
        cv = _cv(*intervals, part.n_trials, spikes.size, LEAST_INTERVALS)
        paired = fits and "correlation" not in without
        pairs = pairwise_correlations(part, name, bin_ms) if paired else np.empty(0)
        binned = fits and "synchrony" not in without
        rows.append(
            {
                "population": name,
                "size": spikes.size,
                "n_spikes": len(spikes),
                "rate_hz": _over_neurons(np.mean, rates),
                "isi_cv": _over_neurons(np.median, cv),
                "cv2": _over_neurons(np.mean, _cv2(*intervals, spikes.size)),
                "n_intervals": len(intervals[0]),
                "fano_factor": _over_neurons(np.mean, _fano_factor(part, name)),
                "n_repeats": n_repeats(part),
                "correlation": _over_neurons(np.mean, pairs),
                "n_pairs": len(pairs),
                "synchrony": population_fano_factor(part, name, bin_ms) if binned else np.nan,
                "silent_fraction": _over_neurons(np.mean, rates == 0),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _fano_factor(activity: Activity, population: str, pool_stimuli: bool = False) -> np.ndarray:
    counts = activity[population].counts(activity.n_trials)
    groups = trials_by_stimulus(activity)
    if pool_stimuli:
        groups = {"all": np.arange(activity.n_trials)}
    total, weight = np.zeros(counts.shape[1]), np.zeros(counts.shape[1])
    for trials in groups.values():
        if trials.size < 2:
            continue
        mine = counts[trials]
        fired = mine.any(axis=0)
        factors = mine[:, fired].var(axis=0, ddof=1) / mine[:, fired].mean(axis=0)
        total[fired] += (trials.size - 1) * factors
        weight[fired] += trials.size - 1
    return np.where(weight > 0, total / np.maximum(weight, 1), np.nan)


def _cv(
    intervals: np.ndarray, trains: np.ndarray, n_trials: int, size: int, min_intervals: int
) -> np.ndarray:
    n_trains = n_trials * size
    n_intervals = np.bincount(trains, minlength=n_trains)
    n = np.maximum(n_intervals, 1)
    means = np.bincount(trains, intervals, n_trains) / n
    variances = np.bincount(trains, (intervals - means[trains]) ** 2, n_trains) / n
    known = (n_intervals >= min_intervals) & (means > 0)  # spikes all at one time have no CV
    values = np.full(n_trains, np.nan)
    values[known] = np.sqrt(variances[known]) / means[known]
    return _mean_of_known(values.reshape(n_trials, -1))


def _cv2(intervals: np.ndarray, trains: np.ndarray, size: int) -> np.ndarray:
    ratios, neurons = _ratios_of_pairs(intervals, trains, size)
    return _means(2 * np.abs(ratios), neurons, size)


def _ratios_of_pairs(
    intervals: np.ndarray, trains: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """(b - a) / (a + b) of each two successive intervals a, b of a train, and whose they are."""
    a, b = intervals[:-1], intervals[1:]
    pair = (trains[:-1] == trains[1:]) & (a + b > 0)
    return (b[pair] - a[pair]) / (a[pair] + b[pair]), trains[1:][pair] % max(size, 1)


def _means(values: np.ndarray, neurons: np.ndarray, size: int) -> np.ndarray:
    """Mean of the values of each neuron; NaN for those without one."""
    number = np.bincount(neurons, minlength=size)
    return np.where(number > 0, np.bincount(neurons, values, size) / np.maximum(number, 1), np.nan)


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
