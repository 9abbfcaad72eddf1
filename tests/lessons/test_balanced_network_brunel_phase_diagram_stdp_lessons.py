"""Checks of the lessons on networks and on STDP: hints for what students may well answer."""

from __future__ import annotations

import numpy as np
import pytest

import spikelearn as sl


@pytest.mark.parametrize(
    ("lesson", "exercise", "answer", "said"),
    [("balanced_network", 1, "2.5", None), ("balanced_network", 1, 0.4, "other way round"),
     ("balanced_network", 2, lambda times_ms: float("nan"), "not a finite number"),
     ("balanced_network", 2, lambda times_ms: 0.0, "too small for a clock that doubles"),
     ("balanced_network", 3, lambda g, eta: 40.0, "for g = 6 and η = 4"),
     ("balanced_network", 3, lambda g: 40.0, "other than 2 arguments"),
     ("brunel_phase_diagram", 1, [6], None), ("brunel_phase_diagram", 2, "100 uV", None),
     ("brunel_phase_diagram", 3, lambda hz: np.sinc(2.8 * hz / 1000),
      "wrong sign for 500 Hz. It is the size |sin(x) / x|"),
     ("brunel_phase_diagram", 3, lambda hz: abs(np.sinc(2.8 * hz / 1000)), None),
     ("stdp", 1, -0.005, None), ("stdp", 1, 0.01, "The areas"),
     ("stdp", 3, "30 mV", "in mV"), ("stdp", 3, 25, "too small")],
)  # fmt: skip
def test_answers_are_told_apart(
    lesson: str, exercise: int, answer: object, said: str | None
) -> None:
    verdict = sl.lessons.check(lesson, exercise, answer)
    assert verdict.right is (said is None), verdict
    assert (said or "") in verdict.text
