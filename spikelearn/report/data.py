"""What a report is made of; every part may be missing, and is then left out of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Raster:
    """Spikes of one population in one trial: `times_ms` and `senders` of shape (n_spikes,)."""

    title: str
    population: str
    times_ms: np.ndarray
    senders: np.ndarray
    size: int
    duration_ms: float
    caption: str = ""


@dataclass(frozen=True)
class ReportData:
    """The findings of a run of experiments.

    Attributes
    ----------
    title : str
    summary : sequence of str
        Sentences on what was done.
    gaps : sequence of str
        What was left out, and why; shown prominently.
    accuracy : DataFrame
        Columns model, rule, backend, seed, test_accuracy, validation_accuracy, best_epoch, n_test,
        chance, flag, mean_weight_displacement, dead_units.
    curves : DataFrame
        Columns model, rule, seed, epoch, train_loss, validation_accuracy.
    layers : DataFrame
        Columns model, rule, seed, layer, weight_displacement, dead_units, gradient_cosine.
    similarity : DataFrame
        As made by `spikelearn.studies.comparing.similarity`.
    rdms : mapping of str to array of shape (n_stimuli, n_stimuli)
        Percentile ranks of dissimilarities, 0 to 1; NaN where undefined.
    rdm_groups : sequence of (first, one past the last, name)
        Categories of consecutive stimuli.
    rasters : sequence of Raster
    backend_agreement : DataFrame
        Columns model, seed, population, backend_a, backend_b, n_stimuli, spikes_a, spikes_b,
        spikes_in_both.
    receptive_fields : array of shape (n_neurons, height, width)
        Input weights.
    auditory : DataFrame
        Columns model, sound, role, correlation, lag_ms, van_rossum, rate_hz, recorded_rate_hz.
    auditory_traces : mapping of str to (time_ms, rate_hz)
        The recorded one first.
    config, versions : mapping
        What was run, and with which versions.
    command : str
        What to type to run it again.
    citations : sequence of str
        Whom to cite for the data.
    """

    title: str = "spikelearn report"
    summary: Sequence[str] = ()
    gaps: Sequence[str] = ()
    accuracy: pd.DataFrame | None = None
    curves: pd.DataFrame | None = None
    layers: pd.DataFrame | None = None
    similarity: pd.DataFrame | None = None
    rdms: Mapping[str, np.ndarray] = field(default_factory=dict)
    rdm_groups: Sequence[tuple[int, int, str]] = ()
    rasters: Sequence[Raster] = ()
    backend_agreement: pd.DataFrame | None = None
    receptive_fields: np.ndarray | None = None
    auditory: pd.DataFrame | None = None
    auditory_traces: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    citations: Sequence[str] = ()
