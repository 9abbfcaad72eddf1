"""Population responses: what the comparison reads, from spikes or from activations.

Each is an `xarray.DataArray` with dims (stimulus, unit) or (stimulus, unit, time).
"""

from spikelearn.responses.activations import activation_responses
from spikelearn.responses.counts import firing_rates_hz, spike_counts
from spikelearn.responses.psth import psth, psth_of_trains

__all__ = [
    "activation_responses",
    "firing_rates_hz",
    "psth",
    "psth_of_trains",
    "spike_counts",
]
