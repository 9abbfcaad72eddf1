"""Correlation of rates over time, best lags, and van Rossum distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import best_lag_ms, psth_correlation, sound_envelope, van_rossum
from spikelearn.recordings import AuditoryRecording, load
from spikelearn.responses import psth_of_trains

TRAIN = st.lists(st.floats(0, 200), max_size=25).map(np.array)


@pytest.mark.parametrize(("which", "expected"), [(0, 0.4821), (1, 0.3547)])
def test_the_grasshopper_follows_the_envelope_five_ms_later_as_known(which, expected) -> None:
    recording = load("grasshopper")
    assert isinstance(recording, AuditoryRecording)
    sound, times = recording.sounds[which], recording.spike_times_ms[which]
    rate = psth_of_trains([times], sound.duration_ms, bin_ms=1.0, sigma_ms=3.0)
    envelope = sound_envelope(sound, bin_ms=1.0, sigma_ms=3.0)
    assert float(rate.sum()) / 1000.0 == pytest.approx(times.size)
    assert psth_correlation(envelope, rate, lag_ms=5.0) == pytest.approx(expected, abs=1e-4)
    assert best_lag_ms(envelope, rate) == 5.0


@given(st.integers(-15, 15), st.sampled_from([0.5, 1.0, 2.0]), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_a_shift_is_recovered_as_the_best_lag(steps, bin_ms, seed) -> None:
    a = np.random.default_rng(seed).normal(size=400)
    b = np.roll(a, steps)
    lag = best_lag_ms(a, b, min_lag_ms=-40, max_lag_ms=40, bin_ms=bin_ms)
    assert lag == steps * bin_ms
    assert psth_correlation(a, b, lag, bin_ms) == pytest.approx(1.0)


def test_the_ends_of_a_range_of_lags_are_tried_though_rounding_makes_them_less() -> None:
    a = np.random.default_rng(1).normal(size=400)
    for lag in (3, 7, -3):  # 0.3 / 0.1 is a little less than 3
        ends = sorted((0.1 * np.sign(lag), lag / 10))
        assert best_lag_ms(a, np.roll(a, lag), *ends, bin_ms=0.1) == pytest.approx(lag / 10)


def test_without_lag_the_correlation_is_pearsons() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 50))
    assert psth_correlation(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert psth_correlation(a, -a) == pytest.approx(-1.0)


def test_a_constant_rate_has_no_correlation() -> None:
    assert np.isnan(psth_correlation(np.ones(10), np.arange(10)))
    with pytest.raises(SpikelearnError, match="no best lag"):
        best_lag_ms(np.ones(50), np.arange(50))


def test_time_courses_that_do_not_match_are_refused() -> None:
    with pytest.raises(SpikelearnError, match=r"\(10,\) and \(11,\)"):
        psth_correlation(np.zeros(10), np.zeros(11))
    with pytest.raises(SpikelearnError, match="leaves nothing"):
        psth_correlation(np.arange(10), np.arange(10), lag_ms=9)
    with pytest.raises(SpikelearnError, match="whole number of bins"):
        best_lag_ms(np.arange(10), np.arange(10), 0.2, 0.8)


@pytest.mark.parametrize("delay_ms", [0.1, 1.0, 5.0, 40.0])
@pytest.mark.parametrize("tau_ms", [1.0, 5.0, 20.0])
def test_van_rossum_distance_of_one_spike_each_has_its_closed_form(delay_ms, tau_ms) -> None:
    distance = van_rossum([np.array([10.0])], [np.array([10.0 + delay_ms])], tau_ms)
    assert distance.item() == pytest.approx(np.sqrt(1 - np.exp(-delay_ms / tau_ms)))


@given(TRAIN, TRAIN, st.floats(0.5, 100))
@settings(max_examples=80, deadline=None)
def test_van_rossum_distance_is_the_sum_over_pairs_of_spikes(a, b, tau_ms) -> None:
    def overlap(x, y):
        return np.exp(-np.abs(x[:, None] - y[None]) / tau_ms).sum()

    squared = overlap(a, a) + overlap(b, b) - 2 * overlap(a, b)
    expected = np.sqrt(max(squared, 0.0) / max(a.size + b.size, 1))
    assert van_rossum([a], [b], tau_ms).item() == pytest.approx(expected, abs=1e-6)


@given(TRAIN, st.floats(0.5, 100))
@settings(max_examples=30, deadline=None)
def test_identical_trains_have_no_distance(train, tau_ms) -> None:
    assert van_rossum([train], [train.copy()], tau_ms).item() == pytest.approx(0.0, abs=1e-6)


def test_a_train_against_silence_or_against_distant_spikes_has_distance_one() -> None:
    a, b, silence = np.array([10.0, 300.0]), np.array([1000.0, 2000.0, 3000.0]), np.zeros(0)
    np.testing.assert_allclose(van_rossum([a], [b, silence], 5.0), 1.0)
    assert van_rossum([silence], [silence], 5.0).item() == 0.0


def test_van_rossum_distances_are_a_matrix_of_all_pairs() -> None:
    generator = np.random.default_rng(0)
    trains = [np.sort(generator.uniform(0, 100, n)) for n in (3, 8, 5, 12, 1)]
    distances = van_rossum(trains[:2], trains[2:], 4.0)
    assert distances.shape == (2, 3)
    for i, a in enumerate(trains[:2]):
        for j, b in enumerate(trains[2:]):
            assert distances[i, j] == pytest.approx(van_rossum([a], [b], 4.0).item())


def test_tau_must_be_positive() -> None:
    with pytest.raises(SpikelearnError, match="tau"):
        van_rossum([np.zeros(1)], [np.zeros(1)], 0.0)
