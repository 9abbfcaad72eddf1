"""The power spectrum of a population's rate: which rhythms it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.spikes.binning import population_counts, within_whole_bins
from spikelearn.spikes.window import of_population

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity

LEAST_BINS = 8


def rate_spectrum(
    activity: Activity,
    population: str,
    bin_ms: float = 1.0,
    segment_ms: float = 250.0,
    start_ms: float = 0.0,
    stop_ms: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density of the mean rate over neurons, by Welch's method.

    Segments overlap by half, lose their mean and are weighted by Hann's window; their spectra, and
    those of the trials, are averaged. The integral over frequencies is the variance of the rate.
    For independent Poisson neurons of rate r it is flat, at 2 r / size.

    Parameters
    ----------
    activity : Activity
    population : str
        One of its populations.
    bin_ms : float
        Width of the bins in which spikes are counted; half of its inverse is the highest frequency.
    segment_ms : float
        Length of a segment, whose inverse is the step between frequencies; the whole of a trial
        that is shorter.
    start_ms, stop_ms : float
        The part of each trial that counts; all of it if left out.

    Returns
    -------
    (array, array) of shape (n_frequencies,)
        Frequencies in Hz, and the density in Hz^2 / Hz.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or the part has fewer than 8 bins.
    """
    from scipy.signal import welch

    part = of_population(activity, population, start_ms, stop_ms)
    spikes, duration_ms = within_whole_bins(part[population], part.duration_ms, bin_ms)
    counts = population_counts(spikes, part.n_trials, duration_ms, bin_ms)
    if counts.shape[1] < LEAST_BINS:
        raise SpikelearnError(
            f"a spectrum needs at least {LEAST_BINS} bins, found {counts.shape[1]} of {bin_ms:g} ms"
            f" in {part.duration_ms:g} ms"
        )
    rates_hz = counts / (spikes.size * bin_ms / 1000.0)
    length = min(counts.shape[1], max(LEAST_BINS, round(segment_ms / bin_ms)))
    frequencies, density = welch(rates_hz, fs=1000.0 / bin_ms, nperseg=length, axis=-1)
    return frequencies, density.mean(axis=0)
