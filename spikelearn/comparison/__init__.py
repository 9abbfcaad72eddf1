"""Comparison of a model's responses with a recording: scores, noise ceilings, baselines, tests."""

from spikelearn.comparison.baselines import (
    category_model,
    gabor_energy,
    mean_luminance,
    pixels,
    random_features,
    sound_envelope,
)
from spikelearn.comparison.cca import canonical_correlations, pwcca, svcca
from spikelearn.comparison.cka import linear_cka
from spikelearn.comparison.comparators import (
    COMPARATORS,
    NoiseCeiling,
    noise_ceiling,
    repeat_ceiling,
)
from spikelearn.comparison.encoding import fit_ridge, unit_ceilings
from spikelearn.comparison.guards import check_images, evaluation_mode, recording_notes
from spikelearn.comparison.held_out_rsa import (
    compare_held_out,
    held_out_zero_table,
    non_negative_weights,
)
from spikelearn.comparison.inference import difference_table, mean_table, zero_table
from spikelearn.comparison.methods import METHODS, compare_by
from spikelearn.comparison.models_and_targets import subject_rdms
from spikelearn.comparison.multiplicity import false_discovery_rate, holm
from spikelearn.comparison.over_time import (
    compare_over_time,
    compare_timecourses,
    rdms_over_time,
    time_generalisation,
)
from spikelearn.comparison.partial_rsa import compare_partial_rsa
from spikelearn.comparison.power import power_table
from spikelearn.comparison.procrustes import disparity, procrustes_distance, shape_distance
from spikelearn.comparison.rdms import fixed_rdm, rdm
from spikelearn.comparison.response_methods import compare_responses, encoding_table
from spikelearn.comparison.rsa import compare_regions, compare_rsa
from spikelearn.comparison.spike_trains import best_lag_ms, psth_correlation
from spikelearn.comparison.tables import LEVELS, read_first, with_level
from spikelearn.spikes.distances import van_rossum

__all__ = [
    "COMPARATORS",
    "LEVELS",
    "METHODS",
    "NoiseCeiling",
    "best_lag_ms",
    "canonical_correlations",
    "category_model",
    "check_images",
    "compare_by",
    "compare_held_out",
    "compare_over_time",
    "compare_partial_rsa",
    "compare_regions",
    "compare_responses",
    "compare_rsa",
    "compare_timecourses",
    "difference_table",
    "disparity",
    "encoding_table",
    "evaluation_mode",
    "false_discovery_rate",
    "fit_ridge",
    "fixed_rdm",
    "gabor_energy",
    "held_out_zero_table",
    "holm",
    "linear_cka",
    "mean_luminance",
    "mean_table",
    "noise_ceiling",
    "non_negative_weights",
    "pixels",
    "power_table",
    "procrustes_distance",
    "psth_correlation",
    "pwcca",
    "random_features",
    "rdm",
    "rdms_over_time",
    "read_first",
    "recording_notes",
    "repeat_ceiling",
    "shape_distance",
    "sound_envelope",
    "subject_rdms",
    "svcca",
    "time_generalisation",
    "unit_ceilings",
    "van_rossum",
    "with_level",
    "zero_table",
]
