"""The table of rules: what its entries say of themselves, and how a rule is added to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.rules import RULES, RuleEntry, known_name, make_rule
from spikelearn.rules.rule import Rule


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("backpropagation", ["backpropagation", "did you mean", "backprop "]),
        ("stdp", ["stdp", "train_stdp"]),
    ],
)
def test_a_rule_that_cannot_be_made_says_which_can(name: str, words: list[str]) -> None:
    with pytest.raises(SpikelearnError) as raised:
        make_rule(name)
    message = str(raised.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_a_line_of_description_and_claims_that_are_yes_or_no(name: str) -> None:
    entry = RULES[name]
    assert entry.description
    assert "\n" not in entry.description
    if not entry.simulated:
        claims = make_rule(name).claims
        assert all(isinstance(v, bool) for v in claims.values())
        assert bool(claims) == make_rule(name).trains


@pytest.mark.parametrize("name", RULES)
def test_no_two_rules_are_described_alike(name: str) -> None:
    entry = RULES[name]
    for other in RULES:
        assert other == name or RULES[other].description != entry.description
        assert other == name or RULES[other].label != entry.label or entry.label is None


def test_rules_are_listed_without_importing_what_they_compute_with() -> None:
    code = (
        "import sys; from spikelearn.rules import RULES;"
        "lines = [(e.networks, e.description, e.simulated) for e in RULES.values()];"
        "assert len(lines) > 50 and 'torch' not in sys.modules, sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class Twice(Rule):
    """The gradient, twice (nobody, never)."""

    networks = ("mlp",)

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        raise NotImplementedError


def test_a_rule_is_added_by_its_class_and_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    from spikelearn.plot.names import colour, label

    monkeypatch.setitem(RULES, "mine", RuleEntry(__name__, "Twice", label="my rule"))
    entry = RULES["mine"]
    assert entry.networks == ("mlp",)
    assert entry.description == "The gradient, twice (nobody, never)"
    assert not entry.simulated
    assert isinstance(make_rule("mine"), Twice)
    assert known_name("mine") == "mine"
    assert label("mine") == "my rule"
    assert colour("mine") == entry.colour


def test_the_old_name_of_a_function_is_still_known() -> None:
    import spikelearn.rules

    with pytest.warns(FutureWarning, match="rule_from_file"):
        assert spikelearn.rules.own_rule is spikelearn.rules.rule_from_file
