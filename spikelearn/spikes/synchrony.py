"""Synchrony of a population, in its spikes or in its membrane potentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.spikes._neurons import only, sample
from spikelearn.spikes.binning import population_counts, within_whole_bins
from spikelearn.spikes.window import between, of_population, trials_by_stimulus

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity


def population_fano_factor(
    activity: Activity,
    population: str,
    bin_ms: float = 5.0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> float:
    """Variance over mean of the population's spike count in bins, over the bins of a stimulus.

    1 for independent Poisson neurons, and about 1 + (size - 1) c where the counts of Poisson
    neurons correlate by c on average: it finds a correlation that is small in every pair. Below 1
    where neurons are more regular than that. Rates that change over time raise it too, for the
    whole population follows them: the transient with which a simulation starts above all, which
    `start_ms` leaves out. Variances are taken over the bins of all trials of one stimulus (trials
    of the same label), so that other stimuli with other rates do not raise it; the ratios are
    averaged over the stimuli with spikes, each weighing as much as it has bins beyond the first.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.
    bin_ms : float
        Width of a bin. What is left of a trial after the last whole bin is left out.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    float
        NaN where no neuron fired, and where every stimulus has one bin.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or no bin fits into a trial.
    """
    part = of_population(activity, population, start_ms, stop_ms)
    spikes, duration_ms = within_whole_bins(part[population], part.duration_ms, bin_ms)
    counts = population_counts(spikes, part.n_trials, duration_ms, bin_ms)
    total, weight = 0.0, 0
    for trials in trials_by_stimulus(part).values():
        mine = counts[trials]
        if mine.size > 1 and mine.any():
            total += (mine.size - 1) * mine.var(ddof=1) / mine.mean()
            weight += mine.size - 1
    return float(total / weight) if weight else float("nan")


def spike_contrast(
    activity: Activity,
    population: str,
    min_bin_ms: float = 10.0,
    n_neurons: int | None = 100,
    generator: np.random.Generator | None = None,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> float:
    """Spike contrast: synchrony on whatever time scale shows most of it, 0 to 1 (Elephant).

    The bins in which spikes are counted shrink from half a trial to `min_bin_ms`; for each width,
    the changes of the count from bin to bin are weighed by the share of neurons that fire together,
    and the largest of these is the synchrony. 1 where all neurons fire as one. Averaged over
    trials. (Ciba et al. 2018, doi:10.1016/j.jneumeth.2017.09.008.)

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.
    min_bin_ms : float
        Width of the smallest bin.
    n_neurons : int or None
        Of the neurons that fired, at most so many are taken; None takes all.
    generator : numpy.random.Generator, optional
        Draws these neurons; without one they are evenly spaced.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    float
        NaN where fewer than two neurons fired, and where in no trial a neuron fired twice.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or two of the smallest bins do not fit into a trial.
    """
    activity = of_population(activity, population, start_ms, stop_ms)
    if not 0 < min_bin_ms <= activity.duration_ms / 2:
        raise SpikelearnError(
            "the smallest bin must be above 0 ms and at most half a trial of"
            f" {activity.duration_ms:g} ms, found {min_bin_ms:g} ms"
        )
    import neo
    import quantities as pq
    from elephant.spike_train_synchrony import spike_contrast as of_trains

    spikes = activity[population]
    chosen = only(spikes, sample(np.unique(spikes.senders), n_neurons, generator))
    if chosen.size < 2:
        return float("nan")
    values = []
    for trial in np.flatnonzero((chosen.counts(activity.n_trials) > 1).any(axis=1)):
        trains = [
            neo.SpikeTrain(times, units="ms", t_stop=activity.duration_ms)
            for times in chosen.trains(int(trial))
        ]
        values.append(of_trains(trains, min_bin=min_bin_ms * pq.ms))
    return float(np.mean(values)) if values else float("nan")


def golomb_rinzel_chi(
    activity: Activity,
    population: str,
    variable: str = "v_mv",
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> float:
    """Synchrony of the membrane potentials: chi of Golomb and Rinzel.

        chi² = Var_t(mean over neurons of V) / mean over neurons of Var_t(V)

    1 where all potentials are the same at every time, and near 1 / sqrt(size) where they are
    independent. Variances are taken over the time of a trial and averaged over trials.
    (Golomb & Rinzel 1994, doi:10.1016/0167-2789(94)90214-3.)

    Parameters
    ----------
    activity : Activity
        What was simulated.
    population : str
        One of its populations.
    variable : str
        The recorded state: the membrane potential, or another.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    float
        NaN where no potential changes, or none was recorded within the part.

    Raises
    ------
    SpikelearnError
        If the state was not recorded.
    """
    name = f"{population}.{variable}"
    activity.state_times_ms(name)  # refuses what was not recorded
    potentials = between(activity, start_ms, stop_ms).states[name]
    if not potentials.shape[1] or not np.ptp(potentials, axis=1).any():
        return float("nan")
    of_mean = potentials.mean(axis=2, dtype=np.float64).var(axis=1).mean()
    of_neurons = potentials.var(axis=1, dtype=np.float64).mean()
    return float(np.sqrt(of_mean / of_neurons))
