"""Comparison of a model's responses with a recording: scores, noise ceilings, baselines."""

from spikelearn.comparison._rdm import rdm
from spikelearn.comparison.baselines import mean_luminance, pixels, sound_envelope
from spikelearn.comparison.noise_ceiling import NoiseCeiling, noise_ceiling
from spikelearn.comparison.rsa import compare_regions, compare_rsa, difference_table, subject_rdms
from spikelearn.comparison.spike_trains import best_lag_ms, psth_correlation
from spikelearn.spikes.distances import van_rossum

__all__ = [
    "NoiseCeiling",
    "best_lag_ms",
    "compare_regions",
    "compare_rsa",
    "difference_table",
    "mean_luminance",
    "noise_ceiling",
    "pixels",
    "psth_correlation",
    "rdm",
    "sound_envelope",
    "subject_rdms",
    "van_rossum",
]
