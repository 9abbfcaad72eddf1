"""Courses on the grid: means over intervals, against fine numerical integration."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from spikelearn.stimuli.time_courses import pieces, sinusoid, window

FINE = 20_000


def test_a_window_covers_its_duration_and_no_more() -> None:
    middle, share = window(1.25, 3.5, 0.5, 10)
    assert_allclose(share.sum() * 0.5, 3.5 - 1.25)
    assert_allclose(share, [0, 0, 0.5, 1, 1, 1, 1, 0, 0, 0])
    assert_allclose(middle[2], 1.375)  # of the part from 1.25 to 1.5
    assert_allclose(window(0.0, None, 0.5, 4)[1], 1.0)


def test_means_of_a_sinusoid_are_its_integral_over_each_interval() -> None:
    dt_ms, n = 0.7, 12
    middle, share = window(0.35, 7.0, dt_ms, n)
    means = sinusoid(middle, share, dt_ms, 2.0, 3.0, 40.0, 30.0)
    t = (np.arange(n * FINE) + 0.5) * dt_ms / FINE
    course = 2.0 + 3.0 * np.sin(2 * np.pi * 0.04 * t + np.deg2rad(30.0))
    course[(t < 0.35) | (t > 7.0)] = 0.0
    assert_allclose(means, course.reshape(n, FINE).mean(1), atol=1e-3)


@pytest.mark.parametrize("linear", [False, True])
def test_means_of_a_course_through_points_are_its_integral(linear: bool) -> None:
    knots, values, n = np.array([0.5, 2.25, 4.0]), np.array([1.0, 3.0, -1.0]), 7
    t = (np.arange(n * FINE) + 0.5) / FINE
    course = np.interp(t, knots, values)
    if not linear:
        course = values[np.searchsorted(knots, t, side="right") - 1]
    course = np.where(t < knots[0], 0.0, course)
    assert_allclose(pieces(knots, values, n, linear), course.reshape(n, FINE).mean(1), atol=1e-3)
