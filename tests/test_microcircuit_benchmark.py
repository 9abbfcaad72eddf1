"""What the benchmark of the microcircuit tells of spikes, of trains that are known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import microcircuit

DURATION_MS = 20_500.0


def poisson(size: int, rate_hz: float) -> tuple[np.ndarray, np.ndarray, int]:
    rng = np.random.default_rng(1)
    n = rng.poisson(size * rate_hz * DURATION_MS / 1000.0)
    return rng.uniform(0.0, DURATION_MS, n), rng.integers(0, size, n), size


def test_independent_poisson_trains_are_irregular_and_asynchronous():
    trains = poisson(400, 8.0)
    assert microcircuit.rate(*trains, DURATION_MS) == pytest.approx(8.0, rel=0.02)
    assert microcircuit.variation(*trains, DURATION_MS) == pytest.approx(1.0, abs=0.02)
    assert microcircuit.synchrony(*trains, DURATION_MS) == pytest.approx(1.0, abs=0.06)
    assert microcircuit.correlation(*trains, DURATION_MS) == pytest.approx(0.0, abs=0.001)


def test_what_fires_together_is_told_from_it():
    times, senders, size = poisson(400, 8.0)
    at = np.arange(600.0, DURATION_MS, 500.0)  # all fire once more, each at once
    burst = np.repeat(at, size), np.tile(np.arange(size), at.size)
    both = np.concatenate([times, burst[0]]), np.concatenate([senders, burst[1]]), size
    # A bin of 3 ms in 167 has 400 more.
    share = 3.0 / 500.0
    mean, jump = 400 * 8.0 * 0.003 + 400 * share, 400**2 * share * (1 - share)
    wanted = (400 * 8.0 * 0.003 + jump) / mean
    assert microcircuit.synchrony(*both, DURATION_MS) == pytest.approx(wanted, rel=0.05)
    assert microcircuit.correlation(*both, DURATION_MS) > 0.1
    regular = np.tile(np.arange(0.0, DURATION_MS, 100.0), 3), np.repeat(np.arange(3), 205), 3
    assert microcircuit.variation(*regular, DURATION_MS) == pytest.approx(0.0, abs=1e-9)
    assert microcircuit.rate(*regular, DURATION_MS) == pytest.approx(10.0, rel=0.01)


def test_what_is_dropped_is_at_the_beginning():
    times = np.array([100.0, 400.0, 600.0])
    found = microcircuit.rate(times, np.zeros(3, np.int64), 1, 1500.0)
    assert found == 1.0
