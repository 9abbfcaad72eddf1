"""Comparison of a model's responses with a recording: scores, noise ceilings, baselines."""

from spikelearn.comparison._comparators import COMPARATORS
from spikelearn.comparison._rdm import fixed_rdm, rdm
from spikelearn.comparison._targets import subject_rdms
from spikelearn.comparison.baselines import mean_luminance, pixels, sound_envelope
from spikelearn.comparison.inference import (
    difference_table,
    false_discovery_rate,
    holm,
    zero_table,
)
from spikelearn.comparison.noise_ceiling import NoiseCeiling, noise_ceiling, repeat_ceiling
from spikelearn.comparison.rsa import compare_regions, compare_rsa
from spikelearn.comparison.spike_trains import best_lag_ms, psth_correlation
from spikelearn.spikes.distances import van_rossum

__all__ = [
    "COMPARATORS",
    "NoiseCeiling",
    "best_lag_ms",
    "compare_regions",
    "compare_rsa",
    "difference_table",
    "false_discovery_rate",
    "fixed_rdm",
    "holm",
    "mean_luminance",
    "noise_ceiling",
    "pixels",
    "psth_correlation",
    "rdm",
    "repeat_ceiling",
    "sound_envelope",
    "subject_rdms",
    "van_rossum",
    "zero_table",
]
