"""Times become steps in one place: refused, or moved to the nearest grid point."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import (
    checked_steps,
    containing_bins,
    fractional_steps,
    in_steps,
    just_before,
    nearest_slots,
    nearest_step,
    nearest_steps,
)

STEPS_MS = st.sampled_from([0.025, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0])
NUMBERS = st.integers(0, 10**5)


@given(number=NUMBERS, dt_ms=STEPS_MS)
def test_every_multiple_of_the_step_is_that_many_steps(number: int, dt_ms: float) -> None:
    exact = float(number * Fraction(str(dt_ms)))
    for time_ms in (number * dt_ms, exact):
        assert in_steps(time_ms, dt_ms, "x") == number
        assert nearest_step(time_ms, dt_ms) == number
        times = np.array([time_ms])
        assert nearest_steps(times, dt_ms).tolist() == [number]
        assert containing_bins(times, dt_ms)[0] == number
        assert fractional_steps(time_ms, dt_ms) == number


@given(number=NUMBERS, dt_ms=STEPS_MS, part=st.floats(0.01, 0.99))
def test_a_time_between_two_grid_points_is_refused_or_goes_where_it_should(
    number: int, dt_ms: float, part: float
) -> None:
    time_ms = (number + part) * dt_ms
    with pytest.raises(SpikelearnError, match="x must be a multiple of the time step"):
        in_steps(time_ms, dt_ms, "x")
    times = np.array([time_ms])
    assert containing_bins(times, dt_ms).tolist() == [number]
    assert fractional_steps(times, dt_ms)[0] == pytest.approx(number + part, abs=1e-6)
    if abs(part - 0.5) > 1e-6:
        nearest = number + (part > 0.5)
        assert nearest_step(time_ms, dt_ms) == nearest
        assert nearest_steps(times, dt_ms).tolist() == [nearest]


@pytest.mark.parametrize("kind", [torch.float64, torch.float32])
@given(number=st.integers(0, 4000), dt_ms=STEPS_MS)
def test_the_middle_goes_to_the_later_one_for_one_and_for_many(
    kind: torch.dtype, number: int, dt_ms: float
) -> None:
    exact = float((number + Fraction(1, 2)) * Fraction(str(dt_ms)))
    for time_ms in (exact, number * dt_ms + dt_ms / 2):
        assert nearest_step(time_ms, dt_ms) == number + 1
        assert nearest_steps(np.array([time_ms]), dt_ms).tolist() == [number + 1]
        steps = torch.tensor([time_ms], dtype=kind) / dt_ms
        assert nearest_slots(steps).tolist() == [number + 1]


def test_intervals_between_middles_are_kept_and_negative_times_are_no_exception() -> None:
    times = np.array([-1.5, -0.51, -0.5, -0.2, 0.49, 0.5, 1.5, 2.5])
    assert nearest_steps(times, 1.0).tolist() == [-1, -1, 0, 0, 0, 1, 2, 3]
    assert [nearest_step(time, 1.0) for time in times] == [-1, -1, 0, 0, 0, 1, 2, 3]


def test_a_time_at_an_edge_is_after_it_whatever_rounding_did() -> None:
    for edge in (0.3, 0.1 + 0.2, 3 * 0.1, 1e6 + 0.3, 1e6 + 0.1 + 0.2):
        for time in (edge, np.nextafter(edge, 0.0), np.nextafter(edge, np.inf)):
            assert time >= just_before(edge)
        assert edge - 1e-6 < just_before(edge)


def test_a_stimulus_has_whole_steps() -> None:
    assert checked_steps(0.3, 0.1) == 3
    with pytest.raises(SpikelearnError, match=r"duration_ms must be a multiple of the time step 1"):
        checked_steps(10.4, 1.0)


def test_what_is_not_finite_is_refused_and_a_tolerance_is_kept_to() -> None:
    for time_ms in (np.inf, np.nan):
        with pytest.raises(SpikelearnError, match="delay must be finite"):
            in_steps(time_ms, 0.1, "delay")
    assert in_steps(1.3 + 1e-8, 0.1, "delay", tolerance_ms=1e-7) == 13
    with pytest.raises(SpikelearnError, match=r"found 1\.3 ms"):
        in_steps(1.3 + 1e-8, 0.1, "delay")
