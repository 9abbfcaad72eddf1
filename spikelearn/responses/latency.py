"""First-spike latency: how long after the stimulus a neuron's first spike comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import just_before
from spikelearn.responses._labels import average_by_label, spike_source

if TYPE_CHECKING:
    import xarray

    from spikelearn.spikes.activity import Activity


def first_spike_latencies(
    activity: Activity,
    population: str,
    onset_ms: float = 0.0,
    silent_ms: float | None = None,
) -> xarray.DataArray:
    """Time from stimulus onset to each neuron's first spike, averaged over a stimulus's trials.

    Parameters
    ----------
    activity : Activity
    population : str
        Whose spikes.
    onset_ms : float
        When the stimulus begins within the trial; earlier spikes do not count.
    silent_ms : float, optional
        What stands for a trial without a spike, NaN included; the time from onset to the end of the
        trial if absent, which is the least that the latency can have been.

    Returns
    -------
    DataArray of shape (stimulus, unit)
        Latencies in ms; coordinates stimulus, unit and population.

    Raises
    ------
    SpikelearnError
        If the population was not recorded, or the onset lies outside the trial.
    """
    import xarray

    if not 0 <= onset_ms < activity.duration_ms:
        raise SpikelearnError(
            f"onset_ms must lie within the trial, 0 to {activity.duration_ms:g} ms, found"
            f" {onset_ms:g}"
        )
    spikes = activity[population]
    silent = activity.duration_ms - onset_ms if silent_ms is None else silent_ms
    spikes.require_memory(16 * activity.n_trials)
    first = np.full((activity.n_trials, spikes.size), np.inf)
    late = spikes.times_ms >= just_before(onset_ms)
    since = np.maximum(spikes.times_ms[late] - onset_ms, 0.0)
    np.minimum.at(first, (spikes.trials[late], spikes.senders[late]), since)
    first[np.isinf(first)] = silent
    means, labels = average_by_label(first, activity.labels)
    return xarray.DataArray(
        means,
        dims=("stimulus", "unit"),
        coords={"stimulus": labels, "unit": np.arange(spikes.size), "population": population},
        name="first_spike_latency",
        attrs={
            "units": "ms",
            "source": spike_source(activity, population),
            "onset_ms": onset_ms,
            "silent_ms": silent,
        },
    )
