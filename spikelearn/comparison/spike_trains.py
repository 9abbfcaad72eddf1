"""Comparison of a model's spike trains with recorded ones: rates over time, and distances."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError


def psth_correlation(a: Any, b: Any, lag_ms: float = 0.0, bin_ms: float = 1.0) -> float:
    """Pearson correlation of a(t) with b(t + lag): a positive lag means that b comes later.

    Parameters
    ----------
    a, b : array-like or DataArray of shape (n_bins,)
        Two time courses on the same bins; axes of length 1 are dropped.
    lag_ms : float
        By how much b lags behind a; rounded to whole bins.
    bin_ms : float
        Width of a bin.

    Returns
    -------
    float
        NaN where one of them is constant.

    Raises
    ------
    SpikelearnError
        If they differ in length, or the lag leaves fewer than two bins.
    """
    x, y = _time_courses(a, b)
    steps = round(lag_ms / bin_ms)
    if x.size - abs(steps) < 2:
        raise SpikelearnError(
            f"a lag of {lag_ms:g} ms leaves nothing to compare of {x.size} bins of {bin_ms:g} ms"
        )
    x, y = (x[: x.size - steps], y[steps:]) if steps >= 0 else (x[-steps:], y[:steps])
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def best_lag_ms(
    a: Any,
    b: Any,
    min_lag_ms: float = 0.0,
    max_lag_ms: float = 20.0,
    bin_ms: float = 1.0,
) -> float:
    """The lag of b behind a, in whole bins, at which they correlate best; see `psth_correlation`.

    Raises
    ------
    SpikelearnError
        If no lag lies in the range, or one of them is constant.
    """
    steps = np.arange(np.ceil(min_lag_ms / bin_ms), np.floor(max_lag_ms / bin_ms) + 1)
    if not steps.size:
        raise SpikelearnError(
            f"there is no whole number of bins of {bin_ms:g} ms between lags of {min_lag_ms:g} and"
            f" {max_lag_ms:g} ms"
        )
    scores = [psth_correlation(a, b, step * bin_ms, bin_ms) for step in steps]
    if np.isnan(scores).all():
        raise SpikelearnError("a constant time course has no best lag")
    return float(steps[np.nanargmax(scores)] * bin_ms)


def van_rossum(
    trains_a: Sequence[np.ndarray], trains_b: Sequence[np.ndarray], tau_ms: float
) -> np.ndarray:
    """Normalised van Rossum distance of every train in `trains_a` from every one in `trains_b`.

    Elephant's distance (one spike against none is 1) divided by the square root of the number of
    spikes in both trains together: 0 for identical trains, 1 for trains none of whose spikes comes
    within a few tau of another, whatever their rates; bursts of spikes that the other train lacks
    can exceed 1. Two empty trains are identical. (van Rossum 2001, doi:10.1162/089976601300014321.)

    Parameters
    ----------
    trains_a, trains_b : sequences of arrays of spike times in ms
    tau_ms : float
        Time constant of the exponential kernel.

    Returns
    -------
    array of shape (len(trains_a), len(trains_b))

    Raises
    ------
    SpikelearnError
        If tau is not above 0.
    """
    if not tau_ms > 0:
        raise SpikelearnError(f"tau must be above 0 ms, found {tau_ms:g}")
    import quantities as pq
    from elephant.spike_train_dissimilarity import van_rossum_distance

    trains = [
        np.sort(np.asarray(train, dtype=np.float64).ravel()) for train in (*trains_a, *trains_b)
    ]
    n_a = len(trains_a)
    n_spikes = np.array([train.size for train in trains])
    totals = np.add.outer(n_spikes[:n_a], n_spikes[n_a:])
    if not totals.any():
        return np.zeros(totals.shape)
    with warnings.catch_warnings():
        # Identical trains may come out a rounding error below 0; Elephant sets that to 0.
        warnings.filterwarnings("ignore", "van_rossum_distance: very small", RuntimeWarning)
        distances = van_rossum_distance(
            [pq.Quantity(train, "ms") for train in trains], tau_ms * pq.ms, sort=False
        )
    normalised: np.ndarray = distances[:n_a, n_a:] / np.sqrt(np.maximum(totals, 1))
    return normalised


def _time_courses(a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y = (np.squeeze(np.asarray(values, dtype=np.float64)) for values in (a, b))
    if x.ndim != 1 or x.shape != y.shape:
        raise SpikelearnError(
            f"two time courses on the same bins are needed, found shapes {x.shape} and {y.shape}"
        )
    return x, y
