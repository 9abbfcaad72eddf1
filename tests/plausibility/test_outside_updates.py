"""Weights that move where no update is looked at, and scores that come from elsewhere."""

from __future__ import annotations

import pytest
from cheats import CHEATS

from spikelearn.plausibility.audit import all_rules
from spikelearn.plausibility.audited_plasticity import PLASTICITIES
from spikelearn.plausibility.instruments.outside_updates import outside_updates
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.rules import RULES


def told(name: str) -> str:
    """What is said of a cheat."""
    return outside_updates(RepeatedUpdate(CHEATS[name].rule))


def test_a_rule_that_learns_when_it_is_asked_is_told_so() -> None:
    assert told("learns_in_predict") == (
        "The rule moves the network's weights when it is asked for its scores."
    )


def test_a_rule_that_learns_when_an_epoch_begins_is_told_so() -> None:
    assert "when a new epoch begins" in told("learns_between_epochs")


def test_a_rule_that_is_examined_in_another_s_place_is_told_so() -> None:
    assert "hidden layers have no part" in told("predicts_by_another")


def test_a_rule_that_exchanges_the_parameters_is_told_so() -> None:
    assert "something of its own" in told("two_gradients")


def of_updates() -> list[str]:
    """Shipped rules that leave their updates in `.grad`."""
    return [n for n in all_rules() if n not in PLASTICITIES and not RULES[n].simulated]


@pytest.mark.parametrize("name", ["feedback_alignment", "softhebb", "eprop_spiking"])
def test_honest_rules_do_nothing_outside_updates(name: str) -> None:
    assert outside_updates(RepeatedUpdate(name)) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", of_updates())
def test_no_shipped_rule_does_anything_outside_updates(name: str) -> None:
    assert outside_updates(RepeatedUpdate(name)) == ""
