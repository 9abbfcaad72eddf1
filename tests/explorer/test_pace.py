"""How long a first look is: what a moment holds, of simulations that take what they take."""

from __future__ import annotations

import pytest

from spikelearn.explorer.pace import AT_ONCE_S, LOOK_S, SHORTEST_MS, Pace


@pytest.mark.parametrize(("fixed_s", "ms_a_second"), [(0.0, 1000.0), (0.05, 2000.0), (0.02, 150.0)])
def test_a_look_takes_a_moment_whatever_was_estimated(fixed_s: float, ms_a_second: float) -> None:
    for estimate in (10.0, 1e5):
        pace = Pace(estimate)
        for _ in range(4):  # a look, and the whole where it is no longer than that
            for ms in (pace.first_ms(500.0), 500.0):
                pace.took(ms, fixed_s + ms / ms_a_second)
        look_ms = pace.first_ms(500.0)
        assert look_ms == SHORTEST_MS or fixed_s + look_ms / ms_a_second <= LOOK_S * 1.5
        assert look_ms == SHORTEST_MS or fixed_s + look_ms / ms_a_second >= LOOK_S / 2


def test_what_is_quick_is_shown_at_once_and_what_is_not_is_not() -> None:
    pace = Pace(1e6)
    assert pace.first_ms(500.0) == 500.0
    pace.took(500.0, 1.2 * AT_ONCE_S)
    assert pace.first_ms(500.0) < 500.0
    quick = Pace(1.0)
    assert quick.first_ms(500.0) == SHORTEST_MS
    quick.took(20.0, 0.02)
    quick.took(500.0, 0.8 * AT_ONCE_S)
    assert quick.first_ms(500.0) == 500.0


def test_looks_do_not_change_with_every_drag() -> None:
    pace = Pace(1000.0)
    pace.took(500.0, 0.5)
    first = pace.first_ms(500.0)
    assert first == 100.0
    for seconds in (0.11, 0.09, 0.12, 0.1):
        pace.took(first, seconds)
        assert pace.first_ms(500.0) == first
    pace.took(first, 0.3)  # it has become slower by far
    pace.took(500.0, 1.5)
    assert pace.first_ms(500.0) < first / 2


def test_a_disturbed_simulation_makes_no_nonsense() -> None:
    pace = Pace(1000.0)
    pace.took(20.0, 0.9)
    pace.took(500.0, 0.2)
    assert SHORTEST_MS <= pace.first_ms(500.0) <= 500.0
    pace.took(20.0, 0.03)
    assert pace.first_ms(500.0) > SHORTEST_MS
