"""Homogeneous Poisson input: every spike source fires at one rate, independently."""

from __future__ import annotations

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.stimuli.encoders import RateEncoder


def poisson_spikes(
    size: int,
    rate_hz: float,
    duration_ms: float,
    dt_ms: float,
    generator: np.random.Generator,
    n_trials: int = 1,
) -> PopulationSpikes:
    """Poisson spikes on the grid (at most one a step and source).

    Parameters
    ----------
    size : int
        Number of sources.
    rate_hz : float
        Their rate, at most 1000 / dt_ms.
    """
    if rate_hz < 0:
        raise SpikelearnError(f"rate_hz must be at least 0, found {rate_hz:g}")
    if rate_hz == 0:
        return PopulationSpikes.from_unsorted(size, np.zeros(0), np.zeros(0))
    encoder = RateEncoder(max_rate_hz=rate_hz)
    return encoder.encode(np.ones((n_trials, size)), duration_ms, dt_ms, generator)
