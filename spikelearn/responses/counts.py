"""Spike counts and firing rates of a population, stimulus by stimulus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn.responses._labels import average_by_label, spike_source
from spikelearn.spikes.binning import binned_counts

if TYPE_CHECKING:
    import xarray

    from spikelearn.spikes.activity import Activity


def spike_counts(activity: Activity, population: str) -> xarray.DataArray:
    """Spike count of every neuron for every stimulus, averaged over its trials.

    Parameters
    ----------
    activity : Activity
        What was simulated. Trials of the same label are trials of one stimulus: their counts are
        averaged.
    population : str
        Whose spikes.

    Returns
    -------
    DataArray of shape (stimulus, unit)
        Spikes per trial; coordinates stimulus (labels, in order of first appearance), unit
        (index of the neuron) and population.

    Raises
    ------
    SpikelearnError
        If the population was not recorded.
    """
    import xarray

    spikes = activity[population]
    counts = binned_counts(spikes, activity.n_trials, activity.duration_ms, activity.duration_ms)
    means, labels = average_by_label(counts[:, :, 0], activity.labels)
    return xarray.DataArray(
        means,
        dims=("stimulus", "unit"),
        coords={"stimulus": labels, "unit": np.arange(spikes.size), "population": population},
        name="spike_count",
        attrs={
            "units": "spikes per trial",
            "source": spike_source(activity, population),
            "duration_ms": activity.duration_ms,
        },
    )


def firing_rates_hz(activity: Activity, population: str) -> xarray.DataArray:
    """Firing rate in Hz of every neuron for every stimulus; see `spike_counts`."""
    counts = spike_counts(activity, population)
    rates = counts * (1000.0 / activity.duration_ms)
    return rates.assign_attrs({**counts.attrs, "units": "Hz"}).rename("firing_rate")
