"""The spectrum of a population's rate: flat for Poisson neurons, with the variance below it."""

from __future__ import annotations

import numpy as np
import pytest

import spikelearn as sl
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.spikes import rate_spectrum


def activity(times_ms: np.ndarray, size: int, duration_ms: float) -> sl.Activity:
    senders = np.arange(times_ms.size) % size
    return sl.Activity(
        {"n": PopulationSpikes.from_unsorted(size, times_ms, senders)}, duration_ms, 0.1
    )


def test_independent_poisson_neurons_have_a_flat_spectrum() -> None:
    draw = np.random.default_rng(0)
    size, rate_hz, seconds = 50, 20.0, 40.0
    times = np.sort(draw.uniform(0.1, seconds * 1000, draw.poisson(size * rate_hz * seconds)))
    frequencies, density = rate_spectrum(activity(times, size, seconds * 1000 + 1), "n")
    inside = density[2:-2]
    assert inside.mean() == pytest.approx(2 * rate_hz / size, rel=0.02)
    low, high = inside[:60].mean(), inside[60:].mean()
    assert low == pytest.approx(high, rel=0.05)
    assert frequencies[1] == 4.0
    assert frequencies[-1] == 500.0


def test_the_integral_is_the_variance_of_the_rate() -> None:
    draw = np.random.default_rng(1)
    times = np.sort(draw.uniform(0, 4096, 3000))
    given = activity(times, 10, 4096.0)
    counts = np.bincount(np.floor(times).astype(int), minlength=4096)
    variance = (counts / (10 * 0.001)).var()
    # Over segments of 128 ms, whose means are taken off.
    frequencies, density = rate_spectrum(given, "n", segment_ms=128.0)
    assert density.sum() * frequencies[1] == pytest.approx(variance, rel=0.05)


def test_a_rhythm_is_a_peak_at_its_frequency() -> None:
    times = np.concatenate([np.arange(5.0, 2000.0, 25.0) + k * 0.1 for k in range(20)])
    frequencies, density = rate_spectrum(activity(np.sort(times), 20, 2000.0), "n", start_ms=100.0)
    peak = frequencies[1:][density[1:].argmax()]
    assert peak % 40.0 == 0.0


def test_too_short_a_trial_is_refused() -> None:
    with pytest.raises(sl.SpikelearnError, match="at least 8 bins, found 5"):
        rate_spectrum(activity(np.array([1.0]), 1, 5.0), "n")
    with pytest.raises(sl.SpikelearnError, match="no population"):
        rate_spectrum(activity(np.array([1.0]), 1, 50.0), "m")
