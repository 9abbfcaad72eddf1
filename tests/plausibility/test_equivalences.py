"""One rule turns into another where theory says so, and as fast as theory says."""

from __future__ import annotations

import math

import pytest

from spikelearn.plausibility.equivalences import EQUIVALENCES

EXACT = [key for key, e in EQUIVALENCES.items() if e.exact]
SLOPED = [key for key, e in EQUIVALENCES.items() if e.slope is not None]


@pytest.mark.parametrize("key", EXACT)
def test_at_the_end_of_the_knob_the_two_rules_are_one(key: str) -> None:
    one = EQUIVALENCES[key]
    assert one.values[-1] == 0
    assert one.measure(0.0, 0) < 1e-12


def test_z_il_one_step_late_is_not_backpropagation() -> None:
    assert EQUIVALENCES["zil"].measure(1.0, 0) > 0.5


@pytest.mark.parametrize("key", SLOPED)
def test_the_distance_goes_with_the_power_of_the_knob_that_theory_says(key: str) -> None:
    one = EQUIVALENCES[key]
    large, small = (0.1, 0.03) if 0.03 in one.values else one.values[:2]
    gone = math.log(one.measure(large, 0) / one.measure(small, 0)) / math.log(large / small)
    assert gone == pytest.approx(one.slope, abs=0.25)
