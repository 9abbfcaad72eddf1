"""What decides what a class does and stands in no text of it is part of the digest of its code."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from spikelearn._code import UnreadableCodeWarning, code_of, given_values
from spikelearn.rules.feedback_alignment import FeedbackAlignment

TEXT = '''
from __future__ import annotations
import functools
from dataclasses import dataclass, field
from typing import ClassVar
import torch
from spikelearn.rules.baselines import Backprop


def make(scale, helper=None):
    class Mine(Backprop):
        def update(self, x, y, apply):
            return super().update(x, y, apply) * (helper(scale) if helper else scale)
    return Mine


def pair():
    def even(n):
        return odd(n - 1) if n else True
    def odd(n):
        return even(n - 1) if n else False
    return even


class Plain(Backprop):
    """What it is."""
    claims: ClassVar[dict[str, bool]] = {"local": True}
    rate = 0.5
    table = tuple(range(3))

    def __init__(self, width=3):
        self.width = width

    @torch.no_grad()
    def predict(self, x):
        return super().predict(x)

    @functools.cached_property
    def kept(self):
        return 1

    @property
    def half(self):
        return self.rate / 2

    @staticmethod
    def twice(x):
        return 2 * x

    def other(self, x, y, apply):
        return 0


@dataclass
class Data(Backprop):
    width: int = 3
    more: list = field(default_factory=list)
'''


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    (tmp_path / "given_in.py").write_text(TEXT)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield importlib.import_module("given_in")
    del sys.modules["given_in"]


def test_where_the_text_says_all_nothing_is_added(made: types.ModuleType) -> None:
    assert set(code_of(made.Data)) == {"given_in"}
    assert {one.name for one in given_values(made.Plain)} == {"table"}  # computed
    assert given_values(FeedbackAlignment) == []


def test_values_of_the_function_that_made_a_class_decide(made: types.ModuleType) -> None:
    known = code_of(made.make(1.0))
    assert code_of(made.make(1.0)) == known
    assert code_of(made.make(2.0)) != known
    assert code_of(made.make(1.0, abs)) != known
    one, two = (code_of(made.make(1.0, helper)) for helper in (made.pair(), made.make))
    assert len({str(one), str(two), str(known)}) == 3
    with pytest.warns(UnreadableCodeWarning, match=r"value of update\.scale is no plain one"):
        unknown = code_of(mine := made.make(object()))
    assert code_of(mine) == unknown
    with pytest.warns(UnreadableCodeWarning):
        assert code_of(made.make(object())) != unknown


def test_functions_that_know_each_other_have_a_digest(made: types.ModuleType) -> None:
    assert code_of(made.pair()) == code_of(made.pair())


@pytest.mark.parametrize("name", ["rate", "claims", "table", "fresh", "networks"])
def test_a_value_that_is_set_later_decides(made: types.ModuleType, name: str) -> None:
    known = code_of(made.Plain)
    setattr(made.Plain, name, {"local": False})
    changed = code_of(made.Plain)
    assert changed != known
    setattr(made.Plain, name, {"local": None})
    assert code_of(made.Plain) not in (known, changed)


@pytest.mark.parametrize("name", ["update", "predict", "other", "__init__", "half", "twice"])
def test_a_function_that_is_set_later_decides(made: types.ModuleType, name: str) -> None:
    keys = [code_of(made.Plain)]
    for function in (lambda *a: 0, lambda *a: 1, made.make, made.Plain.__dict__["kept"].func):
        setattr(made.Plain, name, function)
        keys.append(code_of(made.Plain))
    assert len({str(key) for key in keys[:1] + keys[3:]}) == 3
    assert keys[0] not in keys[1:]


def test_a_value_that_is_set_on_a_base_decides(made: types.ModuleType) -> None:
    derived = type("Derived", (made.Plain,), {"__module__": made.__name__})
    made.Derived = derived  # type: ignore[attr-defined]
    known = code_of(derived)
    made.Plain.rate = 0.25
    assert code_of(derived) != known
