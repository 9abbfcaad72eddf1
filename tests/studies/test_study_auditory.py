"""The auditory part of a study: which recording it takes, and what is drawn of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn import Activity, SpikelearnError, recordings
from spikelearn.spikes.activity import PopulationSpikes
from spikelearn.studies.auditory import AuditoryResult
from spikelearn.studies.auditory_part import AuditoryPart
from spikelearn.studies.study_auditory import (
    WINDOW_MS,
    auditory_rasters,
    auditory_recording,
    auditory_traces,
    file_names,
    study_auditory,
)


def test_a_study_hears_only_what_it_asks_for(small_study):
    assert auditory_recording(small_study) is None
    assert study_auditory(small_study, None) is None
    asks = small_study.model_copy(update={"auditory": AuditoryPart()})
    assert auditory_recording(asks).name == "grasshopper"


def test_a_recording_of_images_is_refused(small_study, monkeypatch):
    monkeypatch.setattr(recordings, "load", lambda name: object())
    asks = small_study.model_copy(update={"auditory": AuditoryPart(recording="x")})
    with pytest.raises(SpikelearnError, match="'x' is of no auditory receptor"):
        auditory_recording(asks)


def test_what_is_drawn_lies_in_the_window_and_is_shifted_by_the_lag():
    spikes = PopulationSpikes.from_unsorted(2, [999.0, 1001.0, 1299.0, 1301.0], [0, 1, 0, 1])
    activity = Activity({"neurons": spikes}, 2000.0, 0.5, labels=["a sound"])
    bins = np.arange(2000.0)[None]
    traces = {"recorded receptor": bins, "model": bins, "sound envelope": bins}
    table = pd.DataFrame({"model": ["model"], "lag_ms": [5.0]})
    result = AuditoryResult(table, {}, {"lif-neuron b": activity}, traces)
    (raster,) = auditory_rasters(result)
    assert list(raster.times_ms) == [1.0, 299.0]
    assert "2 lif-neuron b neurons" in raster.caption
    shown = auditory_traces(result)
    assert list(shown) == ["recorded receptor", "model"]
    for name, start in (("recorded receptor", WINDOW_MS[0]), ("model", WINDOW_MS[0] - 5)):
        time_ms, rate = shown[name]
        assert (time_ms[0], rate[0], len(rate)) == (1000.5, start, 300)
    grasshopper = recordings.load("grasshopper")
    assert file_names(result, grasshopper) == {"lif-neuron b": "grasshopper_lif_neuron_b"}
