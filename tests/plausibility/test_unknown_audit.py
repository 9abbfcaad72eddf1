"""A rule is compared with itself in a process that knows nothing of an audit."""

from __future__ import annotations

import inspect
from typing import Any

import cheats
import pytest
from cheats import CHEATS

from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.plausibility.unknown_audit import Unaudited, unaudited


def seen(rule: Any) -> Unaudited:
    """What is found of a rule."""
    return unaudited(RepeatedUpdate(rule), rule, {})


@pytest.mark.slow
def test_an_honest_rule_is_the_same_everywhere() -> None:
    assert seen(cheats.HonestFeedbackAlignment) == Unaudited()


def test_a_rule_that_knows_the_audit_is_found_where_nobody_knows_it() -> None:
    rule = CHEATS["honest_on_the_stack"].rule
    place = f"{inspect.getsourcefile(rule)}:{rule.__qualname__}"
    found = seen(place)  # as the command line names it
    assert "number 1 of 120; cosine with the exact gradient" in found.otherwise
    assert "1.00 there" in found.otherwise


@pytest.mark.slow
def test_a_rule_that_behaves_for_a_while_is_found_by_a_run_that_is_longer() -> None:
    found = seen(CHEATS["honest_first_updates"].rule)
    assert "90 of 120 updates" in found.along
    assert "number 31" in found.along


@pytest.mark.slow
def test_a_rule_that_cheats_now_and_then_is_found_by_the_updates_in_which_it_does() -> None:
    assert "6 of 120 updates" in seen(CHEATS["rarely"].rule).along


def test_a_shipped_rule_and_one_that_is_in_no_file_are_not_asked() -> None:
    made = type("Made", (CHEATS["copied_in_update"].rule,), {"__module__": "nowhere"})
    assert seen(made) == Unaudited()
    assert unaudited(RepeatedUpdate("feedback_alignment"), "feedback_alignment", {}) == Unaudited()
