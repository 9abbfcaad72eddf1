"""Honest rules are not accused, in whatever style they are written."""

from __future__ import annotations

import pytest
from honest import STYLES
from measured import audited

from spikelearn.plausibility.criteria import CRITERIA, Finding
from spikelearn.rules.rule import Rule


def finding(rule: type[Rule], key: str) -> Finding:
    """What a criterion's instruments say of it."""
    return CRITERIA[key].measure(audited(rule))


# Other ways to write the products of this rule: it stands for them where time is short.
_ONE_FOR_ALL = "FeedbackByHand"


def _case(rule: type[Rule], truth: dict[str, bool]) -> object:
    another_way = rule.__name__.startswith(_ONE_FOR_ALL) and rule.__name__ != _ONE_FOR_ALL
    marks = [pytest.mark.slow] if another_way else []
    return pytest.param(rule, truth, id=rule.__name__, marks=marks)


CASES = [
    _case(rule, truth)
    for style, rules in STYLES.items()
    for rule, truth in rules
    if style != "in NumPy"
]


@pytest.mark.parametrize(("rule", "truth"), CASES)
def test_what_is_true_of_a_rule_in_torch_is_found(rule: type[Rule], truth: dict[str, bool]) -> None:
    assert audited(rule).out_of_sight == ""
    found = {key: finding(rule, key) for key in truth}
    wrong = {k: (f.verdict, f.sentence) for k, f in found.items() if f.met is not truth[k]}
    assert wrong == {}


@pytest.mark.parametrize(
    ("rule", "truth"), STYLES["in NumPy"], ids=lambda r: getattr(r, "__name__", "")
)
def test_what_is_in_numpy_is_judged_by_intervention_alone_or_not_at_all(
    rule: type[Rule], truth: dict[str, bool]
) -> None:
    assert "in_numpy.py, line" in audited(rule).out_of_sight
    for key, met in truth.items():
        found = finding(rule, key)
        assert found.met in (met, None), (key, found.sentence)
        assert found.by_provenance is None
        assert found.met is not None or found.verdict == "cannot be told"


def test_numpy_shows_what_other_labels_and_weights_do() -> None:
    feedback, hebb = (rule for rule, _ in STYLES["in NumPy"])
    assert finding(feedback, "C9").verdict == "fail"
    assert finding(feedback, "C3").verdict == "fail"
    for key in ("C1", "C3", "C4c", "C9"):
        assert finding(hebb, key).verdict == "pass"


@pytest.mark.parametrize("key", ["C1", "C4b"])
def test_feedback_in_numpy_is_neither_accused_nor_acquitted(key: str) -> None:
    found = finding(STYLES["in NumPy"][0][0], key)
    assert found.verdict == "cannot be told"
    assert "layer.drive" in found.needed
    assert "enter the update" not in found.sentence
