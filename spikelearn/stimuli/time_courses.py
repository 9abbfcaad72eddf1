"""Courses over time on the grid: what a current or a rate is on average within each interval.

Interval j lasts from j * dt to (j + 1) * dt. Means are integrals in closed form, so that charge and
expected number of spikes are exact whatever the step. Points in time that lie within 1e-9 of a
grid point are on it.
"""

from __future__ import annotations

import math

import numpy as np

from spikelearn._time_steps import fractional_steps


def window(
    start_ms: float, stop_ms: float | None, dt_ms: float, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """The part of each interval between two times: its middle in ms, and its share (0 to 1).

    Parameters
    ----------
    start_ms, stop_ms : float
        From when to when; to the end if `stop_ms` is None.
    dt_ms : float
        Length of an interval.
    n : int
        Number of intervals.
    """
    first = np.arange(n, dtype=np.float64)
    start = float(fractional_steps(start_ms, dt_ms))
    stop = math.inf if stop_ms is None else float(fractional_steps(stop_ms, dt_ms))
    low, high = np.clip(first, start, stop), np.clip(first + 1, start, stop)
    return (low + high) / 2 * dt_ms, high - low


def sinusoid(
    middle_ms: np.ndarray,
    share: np.ndarray,
    dt_ms: float,
    mean: float,
    amplitude: float,
    frequency_hz: float,
    phase_deg: float,
) -> np.ndarray:
    """Means of mean + amplitude sin(2 pi f t + phase) over what `window` gives, of shape (n,).

    Parameters
    ----------
    middle_ms, share : arrays of shape (n,)
        What `window` gives of each interval.
    dt_ms : float
        Length of an interval.
    mean, amplitude : float
        In the unit of the course.
    frequency_hz, phase_deg : float
    """
    per_ms = frequency_hz / 1000.0
    angle = 2 * np.pi * per_ms * middle_ms + np.deg2rad(phase_deg)
    damped = amplitude * np.sinc(per_ms * share * dt_ms)
    return np.asarray(share * (mean + damped * np.sin(angle)))


def pieces(knots: np.ndarray, values: np.ndarray, n: int, linear: bool = False) -> np.ndarray:
    """Means of a course through given points, over each of `n` intervals.

    Parameters
    ----------
    knots : array of shape (n_points,)
        Increasing, in steps. Before the first the course is 0; after the last it keeps its value.
    values : array of shape (..., n_points)
        At the knots.
    n : int
        Number of intervals.
    linear : bool
        Whether the course goes in a straight line from each point to the next; otherwise it keeps
        the value of the first.

    Returns
    -------
    array of shape (..., n)
    """
    # A first piece of zeros, so that every interval lies in some piece.
    knots = np.concatenate([[min(0.0, knots[0]) - 1.0], knots])
    values = np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)
    slopes = np.zeros_like(values)
    if linear:
        slopes[..., 1:-1] = np.diff(values[..., 1:]) / np.diff(knots[1:])
    lengths = np.diff(knots)
    areas = lengths * (values[..., :-1] + slopes[..., :-1] * lengths / 2)
    summed = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(areas, axis=-1)], axis=-1)
    edges = np.arange(n + 1, dtype=np.float64)
    piece = np.searchsorted(knots, edges, side="right") - 1
    within = edges - knots[piece]
    to_edge = summed[..., piece] + values[..., piece] * within + slopes[..., piece] * within**2 / 2
    # An interval within one piece takes its value as it is, without the rounding of the sums.
    first = piece[:-1]
    whole = edges[1:] <= np.append(knots, np.inf)[first + 1]
    direct = values[..., first] + slopes[..., first] * (within[:-1] + 0.5)
    means = np.where(whole, direct, np.diff(to_edge))
    return np.clip(means, values.min(), values.max())
