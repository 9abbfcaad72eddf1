"""Population responses: what the comparison reads, from spikes or from activations.

Each is an `xarray.DataArray` with dims (stimulus, unit) or (stimulus, unit, time), and names its
units and its source in its attributes. `READOUTS` are those of spikes by name (`respond`).

    from spikes          counts, rates, latencies, PSTH, kernel-filtered rates, LFP proxy
    from activations     activation_responses
    from any response    bold, population_vectors, sensors and time_resolved_rdms, subsampled,
                         pooled, poisson_repeats, noise_matched
"""

from spikelearn.responses.activations import activation_responses
from spikelearn.responses.bold import (
    EventDesign,
    betas,
    bold,
    bold_run,
    event_design,
    regressors,
)
from spikelearn.responses.counts import firing_rates_hz, spike_counts
from spikelearn.responses.files import check_response_path, load_response, save_response
from spikelearn.responses.filtered import KERNELS, filtered_rates
from spikelearn.responses.hrf import HRFS, haemodynamic_response
from spikelearn.responses.latency import first_spike_latencies
from spikelearn.responses.lfp import lfp, reference_weighted_sum, synaptic_currents
from spikelearn.responses.noise import noise_matched, poisson_repeats, variability
from spikelearn.responses.population_vectors import (
    population_vectors,
    preferred_directions,
    vector_average,
)
from spikelearn.responses.psth import psth, psth_of_trains
from spikelearn.responses.readouts import READOUTS, respond
from spikelearn.responses.subsample import pooled, subsampled, subsamples
from spikelearn.responses.time_resolved import sensors, time_resolved_rdms

__all__ = [
    "HRFS",
    "KERNELS",
    "READOUTS",
    "EventDesign",
    "activation_responses",
    "betas",
    "bold",
    "bold_run",
    "check_response_path",
    "event_design",
    "filtered_rates",
    "firing_rates_hz",
    "first_spike_latencies",
    "haemodynamic_response",
    "lfp",
    "load_response",
    "noise_matched",
    "poisson_repeats",
    "pooled",
    "population_vectors",
    "preferred_directions",
    "psth",
    "psth_of_trains",
    "reference_weighted_sum",
    "regressors",
    "respond",
    "save_response",
    "sensors",
    "spike_counts",
    "subsampled",
    "subsamples",
    "synaptic_currents",
    "time_resolved_rdms",
    "variability",
    "vector_average",
]
