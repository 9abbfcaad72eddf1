"""Spike trains: the container, Neo conversion, files and Elephant statistics.

    activity.save("run.nwb")                      # or .nix, .h5 (SONATA), .npz, .mat, .csv
    activity = Activity.load("run.nwb")
    block = activity.to_neo()                     # one segment per trial, for Neo and Elephant
    summary(activity)                             # rates, CV of ISIs and Fano factor by population

What each format keeps: `.nwb`, `.nix`, `.h5`, `.npz` and `.mat` keep everything; `.csv` keeps
spikes, sizes, labels and provenance, and leaves out recorded states and weights.
"""

from spikelearn.spikes.activity import Activity, PopulationSpikes
from spikelearn.spikes.files import FORMATS, check_path, load, save
from spikelearn.spikes.neo_conversion import from_neo, to_neo
from spikelearn.spikes.statistics import fano_factor, isi_cv, rates_hz, summary

__all__ = [
    "FORMATS",
    "Activity",
    "PopulationSpikes",
    "check_path",
    "fano_factor",
    "from_neo",
    "isi_cv",
    "load",
    "rates_hz",
    "save",
    "summary",
    "to_neo",
]
