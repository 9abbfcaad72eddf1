"""How rules are written and coloured."""

from __future__ import annotations

from spikelearn.plot.names import BASELINES, backend, colour, in_order, label
from spikelearn.rules import RULES


def test_every_rule_has_a_name_for_readers_and_a_colour():
    for rule in RULES:
        assert "_" not in label(rule)
        assert colour(rule).startswith("#")


def test_baselines_stand_first_and_each_name_once():
    ordered = in_order(["backprop", "untrained", "mine", "backprop", "pixels"])
    assert ordered == ["pixels", "untrained", "backprop", "mine"]
    assert set(ordered[:2]) <= set(BASELINES)
    assert backend("norse") == "Norse"
