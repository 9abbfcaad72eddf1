"""The grid of time steps on which everything happens: times become steps here and nowhere else.

Something that happens at a time happens at the grid point nearest to it: step k has what lies from
(k - 1/2) dt up to, and without, (k + 1/2) dt, so that the middle between two belongs to the later
one. That is so for spikes that are given or recorded, for events, latencies and frames, and for
delays that are drawn (`nearest_step`, `nearest_steps`, `nearest_slots`). What lies in the last half
step of a trial belongs to the grid point at its end, which the trial no longer has.

`in_steps` refuses a time that is no multiple of the step, as durations, delays and refractory
periods must be. `fractional_steps` leaves a time between two grid points there, for what begins or
ends within a step, as currents and rates do. `containing_bins` counts: a bin is closed on the left
and open on the right.

None of them is misled by rounding: 0.3 / 0.1 is 3, though it is less in floating point, the middle
of 0.1 and 0.2 is 1.5 steps, and a spike at 0.3 ms is in a window that begins at 0.1 + 0.2 ms, and
not in one that ends there (`just_before`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._arguments import check_numbers
from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    import torch

MOST_STEPS = 2.0**53
DEFAULT_DURATION_MS = 1000.0
"""Of a trial, where nothing is said."""
_ON_GRID = 1e-9  # of a step, or of a time where that is longer
# Rounding errors of a quotient, or of a sum of a few times, in units of its last bit.
_BITS = 4.0


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
    check_numbers(**{what: time_ms})
    if not np.isfinite(time_ms):
        raise SpikelearnError(f"{what} must be finite, found {time_ms:g} ms")
    _check_countable(time_ms, dt_ms, what)
    steps = nearest_step(time_ms, dt_ms)
    if tolerance_ms is None:
        tolerance_ms = _ON_GRID * max(1.0, abs(time_ms))
    if abs(steps * dt_ms - time_ms) > tolerance_ms:
        raise SpikelearnError(
            f"{what} must be a multiple of the time step {dt_ms:g} ms, found {time_ms:g} ms"
        )
    return steps


def _check_countable(time_ms: float, dt_ms: float, what: str) -> None:
    """Refuse more steps than can be told apart: times are numbers of 53 bits."""
    if not abs(time_ms / dt_ms) < MOST_STEPS:
        raise SpikelearnError(
            f"{what} must have fewer than 2^53 time steps, found {time_ms:g} ms in steps of"
            f" {dt_ms:g} ms"
        )


def nearest_step(time_ms: float, dt_ms: float) -> int:
    """The grid point nearest to a time, of any size; from the middle between two the later one."""
    steps = time_ms / dt_ms
    return math.floor(steps + (0.5 + _slack(abs(steps))))


def nearest_steps(times_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    """The grid points nearest to times, as an array of int64 of the same shape."""
    steps = np.asarray(times_ms, dtype=np.float64) / dt_ms
    return np.floor(steps + (0.5 + _slack(np.abs(steps)))).astype(np.int64)


def nearest_slots(steps: torch.Tensor) -> torch.Tensor:
    """The same for a tensor of times in units of the step."""
    import torch

    slack = _slack(steps.abs(), torch.finfo(steps.dtype).eps)
    return torch.floor(steps + (0.5 + slack)).long()


def containing_bins(times_ms: np.ndarray, bin_ms: float) -> np.ndarray:
    """The bins within which times fall, k for k * bin to (k + 1) * bin, as an array of int64."""
    bins = np.asarray(times_ms, dtype=np.float64) / bin_ms
    # The slack keeps a time at a bin's border from falling before it.
    return np.floor(bins + _slack(np.abs(bins))).astype(np.int64)


def _slack(size: Any, last_bit: float = 2.0**-52) -> Any:
    """By how much a number of steps of that size may be off by rounding."""
    return _ON_GRID + _BITS * last_bit * size


def just_before(edges: Any) -> Any:
    """The edges of windows, so much earlier that a time at an edge is after it in any rounding."""
    return edges - _slack(np.abs(edges))


def fractional_steps(times_ms: np.ndarray | float, dt_ms: float) -> np.ndarray:
    """Times in units of the step, as floats; whole where they lie within 1e-9 of a grid point."""
    steps = np.asarray(times_ms, dtype=np.float64) / dt_ms
    near = np.rint(steps)
    return np.where(np.abs(steps - near) <= _slack(np.abs(near)), near, steps)


def checked_steps(duration_ms: float, dt_ms: float) -> int:
    """Number of time steps of a stimulus.

    Raises
    ------
    SpikelearnError
        If there is not at least one, or their number is not whole.
    """
    check_numbers(duration_ms=duration_ms, dt_ms=dt_ms)
    if math.isfinite(duration_ms) and dt_ms > 0:
        _check_countable(duration_ms, dt_ms, "duration_ms")
    if not (math.isfinite(duration_ms) and dt_ms > 0 and nearest_step(duration_ms, dt_ms) >= 1):
        raise SpikelearnError(
            f"duration_ms must be at least one step of dt_ms, found duration_ms {duration_ms:g} and"
            f" dt_ms {dt_ms:g}"
        )
    return in_steps(duration_ms, dt_ms, "duration_ms")
