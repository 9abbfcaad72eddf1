"""Random activities that the tests of responses share."""

from __future__ import annotations

import numpy as np
import xarray

from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.spikes.activity import Activity

DURATION_MS = 200.0


def random_activity(
    seed: int, size: int = 7, n_trials: int = 5, n_spikes: int = 300, labels=(), name: str = "out"
) -> Activity:
    """Spikes on the grid of a simulation, anywhere in the trial including its first step."""
    generator, dt_ms = np.random.default_rng(seed), 0.1
    steps = generator.integers(0, round(DURATION_MS / dt_ms), n_spikes)
    spikes = PopulationSpikes.from_unsorted(
        size,
        steps * dt_ms,
        generator.integers(0, size, n_spikes),
        generator.integers(0, n_trials, n_spikes),
    )
    return Activity({name: spikes}, DURATION_MS, dt_ms, n_trials, labels)


def random_response(
    seed: int, n_stimuli: int = 6, n_units: int = 5, n_times: int = 0, step_ms: float = 10.0
) -> xarray.DataArray:
    """Normal numbers with dims (stimulus, unit) or (stimulus, unit, time)."""
    shape = (n_stimuli, n_units, n_times) if n_times else (n_stimuli, n_units)
    coords = {"stimulus": [f"s{i}" for i in range(n_stimuli)], "unit": np.arange(n_units)}
    if n_times:
        coords["time"] = (np.arange(n_times) + 0.5) * step_ms
    return xarray.DataArray(
        np.random.default_rng(seed).standard_normal(shape),
        dims=("stimulus", "unit", "time")[: len(shape)],
        coords=coords,
        attrs={"units": "Hz", "source": "random numbers"},
    )
