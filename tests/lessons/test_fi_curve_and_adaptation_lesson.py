"""Checks of the lesson on f-I curves: closed forms against simulations and the equations."""

from __future__ import annotations

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.lessons.fi_curve_and_adaptation import (
    MYSTERY,
    adaptive_threshold_hz,
    steady_rates_hz,
)


def test_the_steady_rate_of_an_adaptive_threshold_is_what_is_simulated() -> None:
    cell = {
        "model": "adaptive_lif", "size": 1, "tau_m_ms": 20, "v_threshold_mv": 20,
        "threshold_increment_mv": 2, "tau_threshold_ms": 100,
    }  # fmt: skip
    network = sl.SpikingNetwork(name="adapts", populations={"cell": cell})
    shown = sl.Stimulus(currents_mv={"cell": 40.0})
    times = sl.simulate(network, shown, 1000, 0.05, progress=False)["cell"].times_ms
    assert 1000 / adaptive_threshold_hz() == pytest.approx(np.diff(times)[-10:].mean(), abs=0.06)
    # Without adaptation the climb alone is left.
    assert adaptive_threshold_hz(increment_mv=0.0) == pytest.approx(1000 / (20 * np.log(2)))


def test_the_mystery_cell_swings_before_rest_and_threshold_meet() -> None:
    a, b = MYSTERY["a_per_ms"], MYSTERY["b_per_ms"]
    v = (a - 5) / 0.08  # where the trace of the Jacobian is 0
    hopf = -(0.04 * v**2 + (5 - b) * v + 140)
    saddle_node = (5 - b) ** 2 / 0.16 - 140
    assert hopf < saddle_node
    rates = steady_rates_hz(MYSTERY, [hopf - 0.2, saddle_node + 0.02])
    assert rates[0] == 0
    assert rates[1] > 20


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [(1, lambda rate_hz: 150.0, "at which the neuron is silent"), (2, "Type 2", None),
     (2, "class I", "can it fire at 5 Hz"), (2, "III", "Answer by"), (3, 3.0, "between 0 and 1"),
     (4, 1000 / adaptive_threshold_hz(), "is the interval"),
     (4, f"{adaptive_threshold_hz() / 1000} kHz", None)],
)  # fmt: skip
def test_answers_are_told_apart(exercise: int, answer: object, said: str | None) -> None:
    verdict = sl.lessons.check("fi_curve_and_adaptation", exercise, answer)
    assert verdict.right is (said is None), verdict
    assert (said or "") in verdict.text
