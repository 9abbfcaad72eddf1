"""Spike trains: the container, Neo conversion, files and Elephant statistics.

    activity.save("run.nwb")                      # or .nix, .h5 (SONATA), .npz, .mat, .csv
    activity = Activity.load("run.nwb")
    block = activity.to_neo()                     # one segment per trial, for Neo and Elephant
    summary(activity, start_ms=200)               # rates, irregularity, synchrony by population
    activity.between(200, 1000)                   # without the transient at the start

What each format keeps: `.nwb`, `.nix`, `.h5`, `.npz` and `.mat` keep everything; `.csv` keeps
spikes, sizes, labels and provenance, and leaves out recorded states and weights.

Files that other programs wrote are read as well; what they do not say is given
(`load(path, unit="s", trials="sweep")`, all of it in `of_others.Given`), and what was taken or left
out of them is warned of.
"""

from spikelearn.spikes.activity import Activity, PopulationSpikes, SynapticWeights
from spikelearn.spikes.correlation import cross_correlation, pairwise_correlations
from spikelearn.spikes.distances import (
    distances_between_neurons,
    distances_between_trials,
    van_rossum,
    victor_purpura,
)
from spikelearn.spikes.files import (
    FORMATS,
    check_disk,
    check_path,
    expected_activity,
    load,
    save,
)
from spikelearn.spikes.neo_conversion import from_neo, to_neo
from spikelearn.spikes.population import PopulationActivity
from spikelearn.spikes.remarks import remarks
from spikelearn.spikes.spectrum import rate_spectrum
from spikelearn.spikes.statistics import (
    cv2,
    fano_factor,
    interspike_intervals_ms,
    isi_cv,
    local_variation,
    n_repeats,
    rates_hz,
    summary,
)
from spikelearn.spikes.synchrony import golomb_rinzel_chi, population_fano_factor, spike_contrast
from spikelearn.spikes.window import between

__all__ = [
    "FORMATS",
    "Activity",
    "PopulationActivity",
    "PopulationSpikes",
    "SynapticWeights",
    "between",
    "check_disk",
    "check_path",
    "cross_correlation",
    "cv2",
    "distances_between_neurons",
    "distances_between_trials",
    "expected_activity",
    "fano_factor",
    "from_neo",
    "golomb_rinzel_chi",
    "interspike_intervals_ms",
    "isi_cv",
    "load",
    "local_variation",
    "n_repeats",
    "pairwise_correlations",
    "population_fano_factor",
    "rate_spectrum",
    "rates_hz",
    "remarks",
    "save",
    "spike_contrast",
    "summary",
    "to_neo",
    "van_rossum",
    "victor_purpura",
]
