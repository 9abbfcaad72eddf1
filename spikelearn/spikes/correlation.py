"""Correlations of binned spike trains: of pairs of neurons, and over lags (Elephant)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.spikes._neurons import check_neuron, only, sample
from spikelearn.spikes.binning import (
    as_binned_spike_train,
    binned_counts,
    outdated_arguments_allowed,
    population_counts,
    within_whole_bins,
)
from spikelearn.spikes.window import of_population, trials_by_stimulus

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.spikes.activity import Activity


def pairwise_correlations(
    activity: Activity,
    population: str,
    bin_ms: float = 5.0,
    n_neurons: int | None = 100,
    generator: np.random.Generator | None = None,
    pool_stimuli: bool = False,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> np.ndarray:
    """Pearson correlation of the binned spike counts of every pair of neurons.

    The bins of all trials stand one after another. From each count the neuron's mean over the bins
    of the stimulus (of trials of the same label) is taken first, so that tuning to the stimuli is
    no correlation. Rates that change together within a trial are one; `start_ms` leaves out the
    transient with which a simulation starts.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.
    bin_ms : float
        Width of a bin. What is left of a trial after the last whole bin is left out.
    n_neurons : int or None
        Of the neurons that fired, at most so many are paired: 100 give 4,950 pairs. None pairs
        all, which takes memory for the square of their number.
    generator : numpy.random.Generator, optional
        Draws these neurons; without one they are evenly spaced.
    pool_stimuli : bool
        Whether all trials are taken for trials of one stimulus: then tuning adds to it.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    array of shape (n_pairs,)
        In the order of `numpy.triu_indices`. Neurons whose count is the same in all bins of each
        stimulus, silent ones among them, have no correlation and are in no pair; the array is
        empty where fewer than two are left.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or no bin fits into a trial.
    """
    part = of_population(activity, population, start_ms, stop_ms)
    spikes, duration_ms = within_whole_bins(part[population], part.duration_ms, bin_ms)
    chosen = only(spikes, sample(np.unique(spikes.senders), n_neurons, generator))
    if chosen.size < 2:
        return np.empty(0)
    counts = binned_counts(chosen, part.n_trials, duration_ms, bin_ms).astype(np.float64)
    groups = trials_by_stimulus(part)
    if pool_stimuli:
        groups = {"all": np.arange(part.n_trials)}
    varies = np.zeros(chosen.size, dtype=bool)
    for trials in groups.values():
        mine = counts[trials]
        varies |= np.ptp(mine, axis=(0, 2)) > 0
        counts[trials] = mine - mine.mean(axis=(0, 2), keepdims=True)
    if varies.sum() < 2:
        return np.empty(0)
    matrix = np.corrcoef(counts.transpose(1, 0, 2).reshape(chosen.size, -1)[varies])
    pairs: np.ndarray = matrix[np.triu_indices(len(matrix), 1)]
    return pairs


def cross_correlation(
    activity: Activity,
    population_a: str,
    population_b: str,
    bin_ms: float = 1.0,
    max_lag_ms: float = 50.0,
    neuron_a: int | None = None,
    neuron_b: int | None = None,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> pd.DataFrame:
    """Cross-correlation histogram of two populations, or of two neurons.

    At a positive lag, spikes of b come after spikes of a. Spikes of different trials are not
    paired. A train with itself has all its spikes at lag 0.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population_a, population_b : str
        Two of its populations, or the same one.
    bin_ms : float
        Width of a bin, in which spikes are counted and lags are measured. What is left of a trial
        after the last whole bin is left out.
    max_lag_ms : float
        Lags reach from minus this to this, rounded down to whole bins.
    neuron_a, neuron_b : int, optional
        A neuron of the population; all of them together, if left out.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    pandas.DataFrame
        Columns `lag_ms`; `count`, the pairs of spikes at this lag, summed over trials; and
        `coefficient`, the correlation coefficient at this lag, corrected for the bins that overlap
        the less the longer the lag, and averaged over the trials in which both trains vary (NaN
        where there is none). (Eggermont 2010, in doi:10.1007/978-1-4419-5675-0.)

    Raises
    ------
    SpikelearnError
        If a population was not recorded or has no such neuron, no bin fits into a trial, or the
        lags are shorter than a bin or not shorter than the trial.
    """
    import pandas as pd
    from elephant.spike_train_correlation import cross_correlation_histogram

    a, b = (
        _train_counts(of_population(activity, name, start_ms, stop_ms), name, neuron, bin_ms)
        for name, neuron in ((population_a, neuron_a), (population_b, neuron_b))
    )
    n_bins = a.shape[1]
    n_lags = int(max_lag_ms / bin_ms + 1e-6)
    if not 1 <= n_lags < n_bins:
        raise SpikelearnError(
            f"the longest lag must be at least a bin ({bin_ms:g} ms) and shorter than the trial's"
            f" {counted(n_bins, 'bin')}, found {max_lag_ms:g} ms"
        )
    window = [-n_lags, n_lags]
    counts = np.zeros(2 * n_lags + 1, dtype=np.int64)
    coefficients = []
    for row_a, row_b in zip(a, b, strict=True):
        pair = [as_binned_spike_train(row[None], bin_ms) for row in (row_a, row_b)]
        with outdated_arguments_allowed():
            histogram, _ = cross_correlation_histogram(*pair, window=window)
            counts += np.rint(histogram.magnitude.ravel()).astype(np.int64)
            if np.ptp(row_a) > 0 and np.ptp(row_b) > 0:
                coefficient, _ = cross_correlation_histogram(
                    *pair, window=window, border_correction=True, cross_correlation_coefficient=True
                )
                coefficients.append(coefficient.magnitude.ravel())
    unknown = np.full(counts.size, np.nan)
    return pd.DataFrame(
        {
            "lag_ms": np.arange(-n_lags, n_lags + 1) * bin_ms,
            "count": counts,
            "coefficient": np.mean(coefficients, axis=0) if coefficients else unknown,
        }
    )


def _train_counts(
    activity: Activity, population: str, neuron: int | None, bin_ms: float
) -> np.ndarray:
    """Counts of a neuron, or of the whole population, of shape (n_trials, n_bins)."""
    spikes: PopulationSpikes = activity[population]
    if neuron is not None:
        check_neuron(spikes, population, neuron)
        spikes = only(spikes, np.array([neuron]))
    spikes, duration_ms = within_whole_bins(spikes, activity.duration_ms, bin_ms)
    return population_counts(spikes, activity.n_trials, duration_ms, bin_ms)
