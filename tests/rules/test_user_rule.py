"""A rule that a user wrote is found by its file and the name of its class, as a rule like any."""

from __future__ import annotations

import importlib
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from own_rules import RULE, line_of, write_rule

from spikelearn._errors import SpikelearnError
from spikelearn.networks import load_model
from spikelearn.rules import make_rule, rule_code, rule_from_file, rule_name, user_rule
from spikelearn.rules.baselines import Backprop
from spikelearn.rules.checks import RuleCheckError, check_rule
from spikelearn.rules.feedback_alignment import SignSymmetric
from spikelearn.rules.user_rule import is_in_session, place_of

pytestmark = pytest.mark.usefixtures("forget")


def test_a_users_rule_is_found_by_file_and_name(tmp_path: Path) -> None:
    path = write_rule(tmp_path)
    rule = rule_from_file(f"{path}:MyRule")
    assert rule_from_file(f"{path}:MyRule") is rule
    assert sys.modules[rule.__module__].MyRule is rule  # whoever looks for it there
    made = make_rule(f"{path}:MyRule", rate=2)
    assert (type(made), made.rate) == (rule, 2.0)  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 - our own
    assert rule_name(f"{path}:MyRule") == "my_rule.py:MyRule"
    for place, sentence in (
        (f"{path}:Yours", "no class Yours .*; there are MyRule, Raises"),
        (f"{path}:MyRul", "no class MyRul .*; did you mean MyRule"),
        (f"{tmp_path}/none.py:Mine", "no Python file"),
        ("Mine", "no Python file"),
    ):
        with pytest.raises(SpikelearnError, match=sentence):
            rule_from_file(place)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1 / 0\n", r"ZeroDivisionError: division by zero at .*my_rule\.py, line 1"),
        ("\ndef x(:\n", r"SyntaxError: .* at .*my_rule\.py, line 2"),
        ("import sys\n\nsys.exit(2)\n", r"SystemExit: 2 at .*my_rule\.py, line 3"),
        ("import nowhere_at_all\n", r"ModuleNotFoundError: .* line 1"),
    ],
)
def test_a_file_that_fails_is_told_by_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        rule_from_file(f"{write_rule(tmp_path, text)}:MyRule")


def test_files_of_one_name_find_their_own_neighbours(tmp_path: Path) -> None:
    places = []
    for number, folder in ((2.0, tmp_path / "one"), (3.0, tmp_path / "two")):
        places.append(f"{write_rule(folder, factor=number)}:MyRule")
    rules = [rule_from_file(place) for place in places]
    factors = [sys.modules[rule.__module__].FACTOR for rule in rules]
    assert factors == [2.0, 3.0]
    codes = [rule_code(place) for place in places]
    assert codes[0]["my_factors"] != codes[1]["my_factors"]
    assert [rule_from_file(place) for place in places] == rules
    for rule in rules:
        assert sys.modules[rule.__module__].MyRule is rule
        assert pickle.loads(pickle.dumps(rule(1.0))) == rule(1.0)  # type: ignore[call-arg]  # noqa: S301
    late = RULE.replace("from my_factors import FACTOR\n", "").replace(
        "        loss, _", "        from my_factors import FACTOR\n        loss, _"
    )
    with pytest.raises(SpikelearnError, match="imports within a function"):
        rule_from_file(f"{write_rule(tmp_path / 'three', late)}:MyRule")


COMPUTED = """
from my_factors import FACTOR
from spikelearn.rules.baselines import Backprop

try:
    import my_extra
except ImportError:
    my_extra = None

class MyRule(Backprop):
    third = 1 / 3

    class Inner:
        more = 2 + FACTOR

MyRule.later = 4

def made(k):
    class Made(MyRule):
        def kept(self):
            return k
    return Made

Made = made(3)
"""


@pytest.mark.parametrize("name", ["MyRule", "Made"])
def test_a_rule_has_one_key_whatever_was_imported_before_it(tmp_path: Path, name: str) -> None:
    one, two = (write_rule(tmp_path / folder, COMPUTED) for folder in ("one", "two"))
    (one.parent / "my_extra.py").write_text("x = 1\n")  # which the other has not
    first = rule_code(f"{two}:{name}")
    assert any(key.startswith("my_rule.") for key in first)
    assert not any("@" in key or "extra" in key for key in first)
    forget_modules(tmp_path)
    assert "my_extra" in rule_code(f"{one}:{name}")
    second = rule_code(f"{two}:{name}")
    assert second == first
    module = rule_from_file(f"{two}:{name}").__module__
    assert "@" in module
    assert sys.modules[module].my_extra is None


def forget_modules(folder: Path) -> None:
    """As in a process that has imported nothing from a folder."""
    for module in list(sys.modules):
        if str(folder) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]
    user_rule._LOADED.clear()
    sys.path[:] = [place for place in sys.path if not place.startswith(str(folder))]


@pytest.mark.parametrize("name", ["random.py", "torch.py", "my-rule.py", "my.rule.py", "1.py"])
def test_a_file_may_be_called_as_it_likes(tmp_path: Path, name: str) -> None:
    path = write_rule(tmp_path).rename(tmp_path / name)
    stem = name.removesuffix(".py")
    before = sys.modules.get(stem)
    place = f"{path}:MyRule"
    rule = rule_from_file(place)
    assert sys.modules[rule.__module__].MyRule is rule
    assert before is None or sys.modules[stem] is before
    assert rule_name(place) == f"{name}:MyRule"
    assert {stem, "my_factors"} <= set(rule_code(place))
    assert rule_from_file(place) is rule
    assert place_of(rule) == place


def test_what_is_imported_where_it_is_used_is_found(tmp_path: Path) -> None:
    late = RULE.replace("from my_factors import FACTOR\n", "").replace(
        "        loss, _", "        from my_factors import FACTOR\n        loss, _"
    )
    check_rule(f"{write_rule(tmp_path, late)}:MyRule", rate=1.0)


def test_a_rule_in_a_package_is_imported_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "rules"
    write_rule(folder, RULE.replace("from my_factors", "from ..common"))
    for place, text in (("__init__", ""), ("rules/__init__", ""), ("common", "FACTOR = 0.5\n")):
        (tmp_path / "mine" / f"{place}.py").write_text(text)
    place = f"{folder}/my_rule.py:MyRule"
    assert rule_from_file(place).__module__ == "mine.rules.my_rule"
    assert rule_name(place) == "mine/rules/my_rule.py:MyRule"
    assert "mine.common" in rule_code(place)


def test_an_edited_file_or_neighbour_is_imported_anew(tmp_path: Path) -> None:
    path = write_rule(tmp_path)
    place = f"{path}:MyRule"
    keys = [rule_code(place)]
    write_rule(tmp_path, factor=2.0)  # as long, within the same second
    keys.append(rule_code(place))
    write_rule(tmp_path, RULE.replace("self.rate * g", "self.rate + g"), factor=2.0)
    keys.append(rule_code(place))
    assert len({str(key) for key in keys}) == 3
    assert sys.modules[rule_from_file(place).__module__].FACTOR == 2.0


def test_an_option_that_is_missing_is_named(tmp_path: Path) -> None:
    place = f"{write_rule(tmp_path)}:MyRule"
    for make in (make_rule, check_rule):
        with pytest.raises(SpikelearnError, match=r"needs a value for its option rate; give --opt"):
            make(place)
    with pytest.raises(SpikelearnError, match="cannot take 'fast' for its option 'rate'"):
        make_rule(place, rate="fast")
    with pytest.raises(SpikelearnError, match="no option 'rat'"):
        make_rule(place, rat=1.0)
    check_rule(place, rate=1.0)


def test_what_a_rule_raises_is_the_property_that_fails(tmp_path: Path) -> None:
    path = write_rule(tmp_path)
    results = {r.property: r for r in check_rule(f"{path}:Raises", raise_on_failure=False)}
    line = line_of(RULE, "1 / 0")
    twice = results["same_seed_same_bits"]
    assert twice.passed is False
    assert twice.detail == (
        f"update raised ZeroDivisionError: division by zero at {path}, line {line}"
    )
    assert results["can_be_prepared"].passed is True  # and the others are tested all the same
    assert results["keeps_the_contract"].passed is not None
    for name, words in (
        ("Leaves", "prepare raised SystemExit: enough at"),
        ("CannotBeMade", "__init__ raised IndexError: list index out of range at"),
    ):
        first, *rest = check_rule(f"{path}:{name}", raise_on_failure=False)
        assert (first.property, first.passed) == ("can_be_prepared", False)
        assert first.detail.startswith(words)
        assert all(r.passed is None for r in rest)
    with pytest.raises(RuleCheckError, match=r"keeps_the_contract: update must return the loss"):
        check_rule(f"{path}:ReturnsNothing")


def test_a_class_is_a_rule_as_its_name_is(tmp_path: Path) -> None:
    rule = rule_from_file(f"{write_rule(tmp_path)}:MyRule")
    assert place_of(rule) == f"{tmp_path / 'my_rule.py'}:MyRule"
    assert rule_name(rule) == "my_rule.py:MyRule"
    assert type(make_rule(rule, rate=1.0)) is rule
    assert rule_name(Backprop) == "backprop"
    with pytest.raises(SpikelearnError, match="shipped as sign_symmetric_uniform and"):
        make_rule(SignSymmetric)
    with pytest.raises(SpikelearnError, match="a rule is the name of one, or a class derived"):
        make_rule(torch.nn.Linear)


def test_a_place_means_the_class_as_it_was_imported_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_rule(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("my_rule")
    place = place_of(module.MyRule)
    assert rule_from_file(place) is module.MyRule
    path.write_text(RULE + "\n\nMORE = 1\n")
    before = module.MyRule
    importlib.reload(module)
    assert before is not module.MyRule is rule_from_file(place)


def test_a_class_that_a_function_made_is_told_from_others(tmp_path: Path) -> None:
    def made(scale: Any) -> type[Backprop]:
        class Scaled(Backprop):
            def update(self, x, y, apply):  # type: ignore[no-untyped-def]
                return super().update(x, y, apply) * scale

        return Scaled

    one, two = (place_of(made(scale)) for scale in (1.0, 2.0))
    assert one != two
    assert is_in_session(one)
    assert rule_name(one) == rule_name(two) == "test_user_rule.py:Scaled"
    assert "scale = 2.0" in Path(two.rpartition(":")[0]).read_text()
    network = load_model("mlp_64").build(0)  # type: ignore[union-attr]
    rule = make_rule(two)
    rule.prepare(network, torch.Generator())
    assert rule_code(one) != rule_code(two)
