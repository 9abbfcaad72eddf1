"""Comparison of a model's spike trains with recorded ones: their rates over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import containing_bins, nearest_step


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
    steps = nearest_step(lag_ms, bin_ms)
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

    Parameters
    ----------
    a, b, bin_ms
        As in `psth_correlation`.
    min_lag_ms, max_lag_ms : float
        Lags that are tried, both ends among them.

    Raises
    ------
    SpikelearnError
        If no lag lies in the range, or one of them is constant.
    """
    below, last = containing_bins(np.array([-min_lag_ms, max_lag_ms]), bin_ms)
    steps: np.ndarray = np.arange(-below, last + 1)
    if not steps.size:
        raise SpikelearnError(
            f"there is no whole number of bins of {bin_ms:g} ms between lags of {min_lag_ms:g} and"
            f" {max_lag_ms:g} ms"
        )
    scores = [psth_correlation(a, b, step * bin_ms, bin_ms) for step in steps]
    if np.isnan(scores).all():
        raise SpikelearnError("a constant time course has no best lag")
    return float(steps[np.nanargmax(scores)] * bin_ms)


def _time_courses(a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y = (np.squeeze(np.asarray(values, dtype=np.float64)) for values in (a, b))
    if x.ndim != 1 or x.shape != y.shape:
        raise SpikelearnError(
            f"two time courses on the same bins are needed, found shapes {x.shape} and {y.shape}"
        )
    return x, y
