"""Distances of spike trains: van Rossum's, and Victor and Purpura's (Elephant)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.spikes._neurons import check_neuron, sample
from spikelearn.spikes.window import of_population

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.spikes.activity import Activity

Metric = Literal["van_rossum", "victor_purpura"]


def van_rossum(
    trains_a: Sequence[np.ndarray], trains_b: Sequence[np.ndarray] | None, tau_ms: float
) -> np.ndarray:
    """Normalised van Rossum distance of every train in `trains_a` from every one in `trains_b`.

    Elephant's distance (one spike against none is 1) divided by the square root of the number of
    spikes in both trains together: 0 for identical trains, 1 for trains none of whose spikes comes
    within a few tau of another, whatever their rates; bursts of spikes that the other train lacks
    can exceed 1. Two empty trains are identical. (van Rossum 2001, doi:10.1162/089976601300014321.)

    Parameters
    ----------
    trains_a, trains_b : sequences of arrays of spike times in ms
        None in place of `trains_b` stands for `trains_a` again.
    tau_ms : float
        Time constant of the exponential kernel.

    Returns
    -------
    array of shape (len(trains_a), len(trains_b))

    Raises
    ------
    SpikelearnError
        If tau is not above 0.
    """
    if not tau_ms > 0:
        raise SpikelearnError(f"tau must be above 0 ms, found {tau_ms:g}")
    import quantities as pq
    from elephant.spike_train_dissimilarity import van_rossum_distance

    trains, columns = _sorted_trains(trains_a, trains_b)
    rows = slice(0, len(trains_a))
    n_spikes = np.array([train.size for train in trains])
    totals = np.add.outer(n_spikes[rows], n_spikes[columns])
    if not totals.any():
        return np.zeros(totals.shape)
    with warnings.catch_warnings():
        # Identical trains may come out a rounding error below 0; Elephant sets that to 0.
        warnings.filterwarnings("ignore", "van_rossum_distance: very small", RuntimeWarning)
        distances = van_rossum_distance(
            [pq.Quantity(train, "ms") for train in trains], tau_ms * pq.ms, sort=False
        )
    normalised: np.ndarray = distances[rows, columns] / np.sqrt(np.maximum(totals, 1))
    return normalised


def victor_purpura(
    trains_a: Sequence[np.ndarray], trains_b: Sequence[np.ndarray] | None, cost_per_ms: float
) -> np.ndarray:
    """Victor-Purpura distance of every train in `trains_a` from every one in `trains_b`.

    The least cost of making one train into the other, where to insert or delete a spike costs 1,
    and to shift it costs `cost_per_ms` times the shift. Not normalised: trains without a spike in
    common differ by as many as both have. (Victor & Purpura 1996, doi:10.1152/jn.1996.76.2.1310.)

    Parameters
    ----------
    trains_a, trains_b : sequences of arrays of spike times in ms
        None in place of `trains_b` stands for `trains_a` again.
    cost_per_ms : float
        0 compares the numbers of spikes; a very large one counts the spikes that are not in both
        trains at the very same time.

    Returns
    -------
    array of shape (len(trains_a), len(trains_b))

    Raises
    ------
    SpikelearnError
        If the cost is negative or not finite.
    """
    # With an infinite cost, Elephant's distance of a train from its copy is not 0.
    if not 0 <= cost_per_ms < np.inf:
        raise SpikelearnError(
            f"the cost of a shift must be finite and at least 0 per ms, found {cost_per_ms}"
        )
    import quantities as pq
    from elephant.spike_train_dissimilarity import victor_purpura_distance

    trains, columns = _sorted_trains(trains_a, trains_b)
    if not trains:
        return np.zeros((0, 0))
    distances = victor_purpura_distance(
        [pq.Quantity(train, "ms") for train in trains], cost_per_ms / pq.ms, sort=False
    )
    block: np.ndarray = np.asarray(distances, dtype=np.float64)[: len(trains_a), columns]
    return block


def distances_between_neurons(
    activity: Activity,
    population: str,
    metric: Metric = "van_rossum",
    trial: int = 0,
    tau_ms: float = 10.0,
    cost_per_ms: float = 0.1,
    n_neurons: int | None = 50,
    generator: np.random.Generator | None = None,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> pd.DataFrame:
    """Distance of the spike trains of every two neurons within one trial.

    Parameters
    ----------
    activity : Activity
        Simulated spikes.
    population : str
        One of its populations.
    metric : {"van_rossum", "victor_purpura"}
        See the functions of these names.
    trial : int
        Which trial.
    tau_ms : float
        Time constant, of the van Rossum distance.
    cost_per_ms : float
        Cost of a shift, of the Victor-Purpura distance.
    n_neurons : int or None
        At most so many neurons are compared; None for all.
    generator : numpy.random.Generator, optional
        Draws these neurons; without one they are evenly spaced.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    pandas.DataFrame of shape (n_neurons, n_neurons)
        Rows and columns bear the neurons' indices.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or there is no such trial or metric.
    """
    spikes = of_population(activity, population, start_ms, stop_ms)[population]
    if not 0 <= trial < activity.n_trials:
        raise SpikelearnError(f"there is no trial {trial}; trials are 0 to {activity.n_trials - 1}")
    neurons = sample(np.arange(spikes.size), n_neurons, generator)
    trains = spikes.trains(trial)
    return _table([trains[i] for i in neurons], neurons, "neuron", metric, tau_ms, cost_per_ms)


def distances_between_trials(
    activity: Activity,
    population: str,
    neuron: int,
    metric: Metric = "van_rossum",
    tau_ms: float = 10.0,
    cost_per_ms: float = 0.1,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> pd.DataFrame:
    """Distance of the spike trains of one neuron in every two trials.

    Parameters
    ----------
    activity, population, metric, tau_ms, cost_per_ms, start_ms, stop_ms
        As in `distances_between_neurons`.
    neuron : int
        Index within the population.

    Returns
    -------
    pandas.DataFrame of shape (n_trials, n_trials)
        Rows and columns bear the trials' indices.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or there is no such neuron or metric.
    """
    spikes = of_population(activity, population, start_ms, stop_ms)[population]
    check_neuron(spikes, population, neuron)
    mine = spikes.senders == neuron
    times, trials = spikes.times_ms[mine], spikes.trials[mine]
    bounds = np.searchsorted(trials, np.arange(1, activity.n_trials))
    names = np.arange(activity.n_trials)
    return _table(np.split(times, bounds), names, "trial", metric, tau_ms, cost_per_ms)


def _table(
    trains: Sequence[np.ndarray],
    names: np.ndarray,
    axis: str,
    metric: str,
    tau_ms: float,
    cost_per_ms: float,
) -> pd.DataFrame:
    import pandas as pd

    metrics: dict[str, Any] = {
        "van_rossum": (van_rossum, tau_ms),
        "victor_purpura": (victor_purpura, cost_per_ms),
    }
    if metric not in metrics:
        raise SpikelearnError(
            f"there is no spike-train distance called '{metric}'; {nearest(metric, metrics)}"
        )
    distance, scale = metrics[metric]
    index = pd.Index(names, name=axis)
    return pd.DataFrame(distance(trains, None, scale), index=index, columns=index)


def _sorted_trains(
    trains_a: Sequence[np.ndarray], trains_b: Sequence[np.ndarray] | None
) -> tuple[list[np.ndarray], slice]:
    """All trains in one list, as Elephant takes them, and where in it those of b stand."""
    both = [*trains_a, *([] if trains_b is None else trains_b)]
    trains = [np.sort(np.asarray(train, dtype=np.float64).ravel()) for train in both]
    return trains, slice(0 if trains_b is None else len(trains_a), len(trains))
