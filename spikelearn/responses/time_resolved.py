"""MEG- and EEG-like representations: one dissimilarity matrix for each moment.

sensors(response, n_sensors)      what sensors far from the units would pick up: mixtures
time_resolved_rdms(response)      (time, pair): how different each two stimuli are, when
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._seeding import generator
from spikelearn.responses._labels import check_dims, derived

if TYPE_CHECKING:
    import xarray

DISTANCES = {
    "correlation": "1 - Pearson r",
    "cosine": "1 - cosine",
    "euclidean": "root mean squared difference",
}


def sensors(response: xarray.DataArray, n_sensors: int, seed: int = 0) -> xarray.DataArray:
    """Mixtures of all units with fixed Gaussian weights, as fields superpose at each sensor.

    The lead field of a network without a place in a head is unknown; a random one keeps distances
    between patterns up to a factor (Johnson & Lindenstrauss 1984), the better the more sensors.

    Parameters
    ----------
    response : DataArray of shape (stimulus, unit) or (stimulus, unit, time)
    n_sensors : int
    seed : int

    Returns
    -------
    DataArray of the same dims, unit numbering the sensors
        Weights have variance 1 / n_sensors, so that squared lengths are kept on average.
    """
    import xarray

    check_dims(response, ("stimulus", "unit"), ("stimulus", "unit", "time"))
    if n_sensors < 1:
        raise SpikelearnError(f"at least 1 sensor is needed, found {n_sensors}")
    size = response.sizes["unit"]
    lead = generator(seed, "lead field").standard_normal((n_sensors, size)) / np.sqrt(n_sensors)
    ordered = response.transpose("stimulus", "unit", ...)
    coords = {name: c for name, c in ordered.coords.items() if "unit" not in c.dims}
    mixed = xarray.DataArray(
        np.einsum("au,su...->sa...", lead, ordered.to_numpy()),
        dims=ordered.dims,
        coords={**coords, "unit": np.arange(n_sensors)},
        name="sensor",
    )
    units = f"{response.attrs.get('units', 'not said')}, mixed at random"
    return derived(mixed, response, units=units, mixed_units=size)


def time_resolved_rdms(
    response: xarray.DataArray, distance: str = "correlation", window_ms: float = 0.0
) -> xarray.DataArray:
    """Dissimilarity of each two stimuli at each time.

    Parameters
    ----------
    response : DataArray of shape (stimulus, unit, time)
    distance : str
        `correlation` (1 - Pearson r over the units; 1, no relation, where a pattern is flat),
        `cosine` (likewise), or `euclidean` (root of the mean squared difference).
    window_ms : float
        Responses are first averaged over a window of this length centred on each time (shorter at
        the ends); 0 leaves them as they are.

    Returns
    -------
    DataArray of shape (time, pair)
        Pairs in the order of `scipy.spatial.distance.pdist`; coordinates stimulus_1, stimulus_2.

    Raises
    ------
    SpikelearnError
        If the distance is unknown, there are fewer than 2 stimuli, or a correlation of fewer than
        2 units is asked for.
    """
    import xarray

    check_dims(response, ("stimulus", "unit", "time"))
    if distance not in DISTANCES:
        raise SpikelearnError(f"there is no distance '{distance}'; {nearest(distance, DISTANCES)}")
    if not window_ms >= 0:
        raise SpikelearnError(f"window_ms must be at least 0, found {window_ms:g}")
    ordered = response.transpose("time", "stimulus", "unit")
    values = ordered.to_numpy().astype(np.float64)
    n_times, n_stimuli, n_units = values.shape
    least = 2 if distance == "correlation" else 1
    if n_stimuli < 2 or n_units < least:
        raise SpikelearnError(
            f"a dissimilarity matrix needs at least 2 stimuli and {counted(least, 'unit')}, found"
            f" {n_stimuli} and {n_units}"
        )
    times = ordered["time"].to_numpy().astype(np.float64)
    if window_ms:
        values = _windowed(values, times, window_ms)
    pairs = np.triu_indices(n_stimuli, k=1)
    rdms = np.stack([_distances(values[k], distance)[pairs] for k in range(n_times)])
    labels = ordered["stimulus"].to_numpy()
    result = xarray.DataArray(
        rdms,
        dims=("time", "pair"),
        coords={
            "time": ordered["time"].to_numpy(),
            "stimulus_1": ("pair", labels[pairs[0]]),
            "stimulus_2": ("pair", labels[pairs[1]]),
        },
        name="dissimilarity",
    )
    units = DISTANCES[distance]
    return derived(result, response, units=units, distance=distance, window_ms=window_ms)


def _windowed(values: np.ndarray, times: np.ndarray, window_ms: float) -> np.ndarray:
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    slack = 1e-9 * max(window_ms, 1.0)
    first = np.searchsorted(times, times - window_ms / 2 - slack, side="left")
    last = np.searchsorted(times, times + window_ms / 2 + slack, side="right")
    result: np.ndarray = (total[last] - total[first]) / (last - first)[:, None, None]
    return result


def _distances(patterns: np.ndarray, distance: str) -> np.ndarray:
    """Matrix of shape (n_stimuli, n_stimuli) from patterns of shape (n_stimuli, n_units)."""
    if distance == "euclidean":
        from scipy.spatial.distance import pdist, squareform

        matrix: np.ndarray = squareform(pdist(patterns)) / np.sqrt(patterns.shape[1])
        return matrix
    centred = patterns
    if distance == "correlation":
        centred = patterns - patterns.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    flat = length <= 1e-12 * np.linalg.norm(patterns, axis=1, keepdims=True)
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=~flat)
    return 1.0 - np.clip(unit @ unit.T, -1.0, 1.0)
