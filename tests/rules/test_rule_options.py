"""Options of rules: unknown ones, and values of another type than the rule declares."""

from __future__ import annotations

from typing import Any

import pytest

import spikelearn as sl
from spikelearn._errors import SpikelearnError
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.rule_options import checked_options
from spikelearn.training.config import TrainConfig


class Mine:
    def __init__(self, n: int = 3, rate: float = 0.1, flag: bool = False, other=None) -> None:
        """A rule that says what its options are."""


class Loose(Mine):
    def __init__(self, n: int = 3, **rest: Any) -> None:
        """A rule that hands on what it is given."""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"m": 1}, "no option 'm'; its options are n, rate, flag, other"),
        ({"rat": 1}, r"no option 'rat' \(did you mean rate\?\)"),
        ({"n": "3"}, "cannot take '3' for its option 'n': .*valid integer"),
        ({"n": True}, "valid integer"),
        ({"n": 2.5}, "valid integer"),
        ({"rate": "1e-3"}, "valid number"),
        ({"rate": float("nan")}, "finite number"),
        ({"flag": 1}, "valid boolean"),
        ({"fixed": 1}, "no option 'fixed'"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_by_name(
    options: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpikelearnError, match=words) as raised:
        checked_options("mine", Mine, options, {"fixed": 2})
    assert "'mine'" in str(raised.value)


def test_what_a_rule_says_itself_is_what_is_said() -> None:
    with pytest.raises(SpikelearnError, match="option 'loss' must be one of"):
        make_rule("backprop", loss="hinge")
    with pytest.raises(SpikelearnError, match="option 'n_steps' must be a number"):
        make_rule("predictive_coding", n_steps="10")


def test_what_fits_comes_back_in_the_type_that_is_declared() -> None:
    given = {"n": 5.0, "rate": 1, "flag": True, "other": "anything"}
    checked = checked_options("mine", Mine, given, {})
    assert checked == {"n": 5, "rate": 1.0, "flag": True, "other": "anything"}
    assert [type(value) for value in checked.values()] == [int, float, bool, str]
    assert checked_options("loose", Loose, {"n": 1, "more": 2}, {}) == {"n": 1, "more": 2}


def test_a_configuration_checks_the_options_of_its_rule() -> None:
    def config(**options: Any) -> TrainConfig:
        return sl.TrainConfig(model="mlp_784", rule="predictive_coding", options=options)

    assert config(n_steps=5.0).options == {"n_steps": 5}
    assert config().changed("options.n_steps", 3).options == {"n_steps": 3}
    for options, words in (({"n_step": 3}, "n_steps"), ({"n_steps": "3"}, "n_steps")):
        with pytest.raises(ValueError, match=words):
            config(**options)
    with pytest.raises(SpikelearnError, match="did you mean n_steps"):
        config().changed("options.n_step", 3)


@pytest.mark.parametrize("name", [name for name in RULES if not RULES[name].simulated])
def test_every_rule_refuses_an_option_that_it_has_not(name: str) -> None:
    with pytest.raises(SpikelearnError, match="no option 'nonsense'"):
        make_rule(name, nonsense=1)
    with pytest.raises(ValueError, match="no option 'nonsense'"):
        TrainConfig(model="x", rule=name, options={"nonsense": 1})
