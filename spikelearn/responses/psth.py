"""Peristimulus time histograms: firing rate over time, smoothed by a Gaussian where asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._arguments import check_numbers
from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.responses._labels import average_by_label, spike_source
from spikelearn.spikes.binning import binned_counts, population_counts, whole_bins

if TYPE_CHECKING:
    import xarray

    from spikelearn.spikes.activity import Activity


def psth(
    activity: Activity,
    population: str,
    bin_ms: float = 1.0,
    sigma_ms: float = 0.0,
    population_mean: bool = False,
) -> xarray.DataArray:
    """Firing rate over time of every neuron for every stimulus.

    Spikes are counted in bins, averaged over the trials of a stimulus, and, where
    `sigma_ms` is given, smoothed with a normalised Gaussian that is reflected at the ends of the
    trial: the integral of the rate over the trial is the spike count. A Gaussian flattens what is
    faster than it: of a rhythm of frequency f it leaves exp(-2 (pi f sigma)²), of 190 Hz at 3 ms
    a six-hundredth.

    Parameters
    ----------
    activity : Activity
        What was simulated. Trials of the same label are trials of one stimulus.
    population : str
        Whose spikes.
    bin_ms : float
        Width of a bin; the trial's duration must be a multiple of it.
    sigma_ms : float
        Standard deviation of the Gaussian; 0, the default, leaves the histogram as it is.
    population_mean : bool
        Whether to average over the neurons.

    Returns
    -------
    DataArray of shape (stimulus, unit, time), or (stimulus, time) for the population's mean
        Rates in Hz. The coordinate time is the middle of each bin, in ms.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or the bins do not fill the trial.
    """
    rates = _psth(
        activity[population],
        activity.labels,
        activity.duration_ms,
        bin_ms,
        sigma_ms,
        population_mean=population_mean,
    )
    named = rates.assign_coords(population=population)
    return named.assign_attrs(source=spike_source(activity, population))


def population_psth(
    activity: Activity, population: str, bin_ms: float = 1.0, sigma_ms: float = 0.0
) -> tuple[np.ndarray, list[str]]:
    """The rates of `psth` with `population_mean` as a plain array, and the stimuli.

    Parameters
    ----------
    activity, population, bin_ms, sigma_ms
        As of `psth`.

    Returns
    -------
    (array of shape (stimulus, time) in Hz, list of str)
    """
    binned = (activity.duration_ms, bin_ms, sigma_ms)
    return _rates_hz(activity[population], activity.labels, *binned, population_mean=True)


def psth_of_trains(
    trains: Sequence[np.ndarray],
    duration_ms: float,
    bin_ms: float = 1.0,
    sigma_ms: float = 0.0,
    *,
    population_mean: bool = False,
    label: str = "0",
) -> xarray.DataArray:
    """Firing rate over time of recorded spike trains (ms), one unit each, for one stimulus.

    Parameters
    ----------
    trains : sequence of arrays of shape (n_spikes,)
        Spike times in ms.
    duration_ms : float
        Of the stimulus; a multiple of the bins' width.
    bin_ms, sigma_ms, population_mean
        As in `psth`.
    label : str
        Name of the stimulus.
    """
    times = [np.asarray(train, dtype=np.float64).ravel() for train in trains]
    if not times:
        raise SpikelearnError("a PSTH needs at least one spike train, found none")
    senders = np.repeat(np.arange(len(times)), [t.size for t in times])
    spikes = PopulationSpikes.from_unsorted(len(times), np.concatenate(times), senders)
    return _psth(spikes, [label], duration_ms, bin_ms, sigma_ms, population_mean=population_mean)


def smoothed(values: np.ndarray, bin_ms: float, sigma_ms: float) -> np.ndarray:
    """Values smoothed along their last axis (bins of time) by a Gaussian, their sum kept.

    Parameters
    ----------
    values : array of shape (..., n_bins)
    bin_ms : float
        Width of a bin in ms.
    sigma_ms : float
        Standard deviation of the Gaussian in ms; below an eighth of a bin nothing is smoothed.

    Raises
    ------
    SpikelearnError
        If the standard deviation is negative.
    """
    check_numbers(sigma_ms=sigma_ms)
    if not 0 <= sigma_ms < np.inf:
        raise SpikelearnError(
            f"the Gaussian's sigma must be finite and at least 0 ms, found {sigma_ms:g}"
        )
    if sigma_ms < bin_ms / 8:  # the Gaussian lies within one bin
        return np.asarray(values, dtype=np.float64)
    from scipy.ndimage import gaussian_filter1d

    # "reflect" returns at either end what the Gaussian would lose there.
    result: np.ndarray = gaussian_filter1d(
        np.asarray(values, dtype=np.float64), sigma_ms / bin_ms, axis=-1, mode="reflect"
    )
    return result


def bin_centres_ms(duration_ms: float, bin_ms: float) -> np.ndarray:
    """The middle of every bin in ms, array of shape (n_bins,)."""
    return (np.arange(whole_bins(duration_ms, bin_ms)) + 0.5) * bin_ms


def _psth(
    spikes: PopulationSpikes,
    labels: Sequence[str],
    duration_ms: float,
    bin_ms: float,
    sigma_ms: float,
    *,
    population_mean: bool,
) -> xarray.DataArray:
    import xarray

    values, names = _rates_hz(
        spikes, labels, duration_ms, bin_ms, sigma_ms, population_mean=population_mean
    )
    units = {} if population_mean else {"unit": np.arange(spikes.size)}
    return xarray.DataArray(
        values,
        dims=["stimulus", *units, "time"],
        coords={"stimulus": names, **units, "time": bin_centres_ms(duration_ms, bin_ms)},
        name="firing_rate",
        attrs={
            "units": "Hz",
            "source": "spike trains",
            "bin_ms": bin_ms,
            "sigma_ms": sigma_ms,
        },
    )


def _rates_hz(
    spikes: PopulationSpikes,
    labels: Sequence[str],
    duration_ms: float,
    bin_ms: float,
    sigma_ms: float,
    *,
    population_mean: bool,
) -> tuple[np.ndarray, list[str]]:
    """Rates of shape (stimulus, unit, time), or (stimulus, time), and the stimuli."""
    counts: np.ndarray
    if population_mean:
        counts = population_counts(spikes, len(labels), duration_ms, bin_ms) / spikes.size
    else:
        counts = binned_counts(spikes, len(labels), duration_ms, bin_ms)
    means, names = average_by_label(counts, labels)
    return smoothed(means * (1000.0 / bin_ms), bin_ms, sigma_ms), names
