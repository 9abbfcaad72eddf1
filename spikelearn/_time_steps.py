"""The grid of time steps on which everything happens: times become steps here and nowhere else.

`in_steps` refuses a time that is no multiple of the step, as durations, delays and refractory
periods must be. `nearest_step` and `nearest_steps` move a time to the nearest grid point, as input
spikes are (from the middle between two to the even one). `containing_steps` is for recorded events,
which belong to the step within which they fall. `fractional_steps` leaves a time between two grid
points there, for what begins or ends within a step.
"""

from __future__ import annotations

import math

import numpy as np

from spikelearn._errors import SpikelearnError

_ON_GRID = 1e-9  # of a step, or of a time where that is longer


def in_steps(time_ms: float, dt_ms: float, what: str, tolerance_ms: float | None = None) -> int:
    """A time in steps of the grid, which must be whole.

    Parameters
    ----------
    time_ms, dt_ms : float
        The time and the step, in ms.
    what : str
        What the time is, for the sentence that refuses it.
    tolerance_ms : float, optional
        How far from the grid it may lie; by default 1e-9 ms, or as much of the time where that is
        more than 1 ms.

    Returns
    -------
    int

    Raises
    ------
    SpikelearnError
        Where it is no multiple of the step.
    """
    if not np.isfinite(time_ms):
        raise SpikelearnError(f"{what} must be finite, found {time_ms:g} ms")
    steps = nearest_step(time_ms, dt_ms)
    if tolerance_ms is None:
        tolerance_ms = _ON_GRID * max(1.0, abs(time_ms))
    if abs(steps * dt_ms - time_ms) > tolerance_ms:
        raise SpikelearnError(
            f"{what} must be a multiple of the time step {dt_ms:g} ms, found {time_ms:g} ms"
        )
    return steps


def nearest_step(time_ms: float, dt_ms: float) -> int:
    """The grid point nearest to a time, of any size."""
    return round(time_ms / dt_ms)


def nearest_steps(times_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    """The grid points nearest to times, as an array of int64 of the same shape."""
    return np.rint(times_ms / dt_ms).astype(np.int64)


def containing_steps(times_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    """The steps within which times fall, k for k * dt to (k + 1) * dt, as an array of int64."""
    # The nudge keeps a time at a step's border from falling before it.
    return np.floor(times_ms / dt_ms + _ON_GRID).astype(np.int64)


def fractional_steps(times_ms: np.ndarray | float, dt_ms: float) -> np.ndarray:
    """Times in units of the step, as floats; whole where they lie within 1e-9 of a grid point."""
    steps = np.asarray(times_ms, dtype=np.float64) / dt_ms
    near = np.rint(steps)
    return np.where(np.abs(steps - near) <= _ON_GRID * np.maximum(1.0, np.abs(near)), near, steps)


def checked_steps(duration_ms: float, dt_ms: float) -> int:
    """Number of time steps of a stimulus.

    Raises
    ------
    SpikelearnError
        If there is not at least one.
    """
    if not (math.isfinite(duration_ms) and dt_ms > 0 and nearest_step(duration_ms, dt_ms) >= 1):
        raise SpikelearnError(
            f"duration_ms must be at least one step of dt_ms, found duration_ms {duration_ms:g} and"
            f" dt_ms {dt_ms:g}"
        )
    return nearest_step(duration_ms, dt_ms)
