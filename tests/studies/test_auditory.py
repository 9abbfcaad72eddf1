"""Model neurons that hear the grasshopper's sounds."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn import recordings
from spikelearn.studies import auditory


@pytest.fixture(scope="module")
def recording():
    return recordings.load("grasshopper")


def test_the_drive_is_offset_at_the_mean_and_gain_per_standard_deviation(recording):
    sound = recording.sounds[0]
    scale = float(sound.envelope.mean()), float(sound.envelope.std())
    parameters = [{"gain_mv": 4.0, "offset_mv": 10.0}, {"gain_mv": 0.0, "offset_mv": 3.0}]
    current = auditory.drive(parameters, 2, [sound], scale).currents_mv["neurons"]
    assert current.shape == (1, 20000, 4)
    assert current[0, :, 0].mean() == pytest.approx(10.0)
    assert 3.0 < current[0, :, 1].std() <= 4.0  # averaging within a step takes a little away
    np.testing.assert_array_equal(current[0, :, 2], 3.0)


def test_the_envelope_and_a_poisson_neuron_score_what_is_known_of_them(recording, monkeypatch):
    slow = {"tau_m_ms": 20.0, "gain_mv": 2.0, "offset_mv": 10.0}
    fast = {"tau_m_ms": 2.0, "gain_mv": 8.0, "offset_mv": 10.0}
    few = {"integrate-and-fire": (slow, fast)}
    monkeypatch.setattr(auditory, "MODELS", few)
    monkeypatch.setattr(auditory, "POPULATION", 4)
    result = auditory.run(recording)
    table = result.table.set_index(["model", "role"])
    envelope = table.loc["sound envelope"]
    assert envelope.loc["fitted", "correlation"] == pytest.approx(0.482, abs=5e-4)
    assert envelope.loc["held out", "correlation"] == pytest.approx(0.355, abs=5e-4)
    assert envelope.loc["fitted", "lag_ms"] == 5
    poisson = table.loc["rate-matched Poisson"]
    assert poisson.loc["fitted", "rate_hz"] == pytest.approx(92.9, rel=0.06)
    assert abs(poisson.loc["held out", "correlation"]) < 0.1
    assert result.table.groupby("model")["lag_ms"].nunique().max() == 1
    assert result.parameters == {"integrate-and-fire": fast}
    fitted = table.loc["integrate-and-fire"]
    assert (fitted["van_rossum"] < poisson["van_rossum"]).all()
    assert (fitted["correlation"] > envelope["correlation"]).all()


@pytest.mark.slow
def test_fitted_neurons_beat_the_envelope_on_the_sound_they_were_not_fitted_on(recording):
    table = auditory.run(recording).table
    held = table[table["role"] == "held out"].set_index("model")["correlation"]
    assert held["adaptive integrate-and-fire"] > held["integrate-and-fire"]
    assert held["integrate-and-fire"] > held["sound envelope"]
