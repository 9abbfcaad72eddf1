"""Checks of the lessons on rules and brains: hints for what students may well answer."""

from __future__ import annotations

import numpy as np
import pytest

import spikelearn as sl


@pytest.mark.parametrize(
    ("lesson", "exercise", "answer", "said"),
    [("learning_rules", 1, lambda e, b, h: e @ b, "slope of tanh is missing"),
     ("learning_rules", 1, lambda e, b, h: e, "have shape (5, 3), those of your function (5, 4)"),
     ("learning_rules", 1, lambda e, b, h: e @ h, "raises ValueError"),
     ("learning_rules", 1, lambda e, b, h: (e @ b) / np.cosh(np.arctanh(h)) ** 2, None),
     ("learning_rules", 2, "Random features", None), ("learning_rules", 2, 3, "name of a row"),
     ("learning_rules", 2, "oja", "hidden layers learn nothing"),
     ("learning_rules", 3, lambda d, cosine: 10 * d, "too large for 171 weights"),
     ("plausibility", 1, 3, "A list of names"), ("plausibility", 1, ["oja"], "is none of"),
     ("plausibility", 3, 3, "A class of a rule"),
     ("brain_comparison", 1, lambda p: 1 - np.corrcoef(p)[np.triu_indices(6, 1)], None),
     ("brain_comparison", 1, np.corrcoef, "These are similarities"),
     ("brain_comparison", 1, lambda p: p @ p.T, "1 minus the correlation"),
     ("brain_comparison", 3, 92, "too large"), ("brain_comparison", 3, "91 pairs", None)],
)  # fmt: skip
def test_answers_are_told_apart(
    lesson: str, exercise: int, answer: object, said: str | None
) -> None:
    verdict = sl.lessons.check(lesson, exercise, answer)
    assert verdict.right is (said is None), verdict
    assert (said or "") in verdict.text
