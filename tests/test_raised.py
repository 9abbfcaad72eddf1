"""What a user's code raises is told in one sentence, with the line of their file."""

from __future__ import annotations

import importlib.util
import types
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn._raised import raised, raised_by_user, told

TEXT = """\
import sys
import torch


class OwnError(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one}\\n{two}")


def inner(x):
    return 1 / x


def update(x):
    return inner(x)


def own():
    raise OwnError("first", "second")


def leaves():
    sys.exit("enough")


def library():
    return torch.zeros(2) @ torch.zeros(3)


class Backwards(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return 2 * x

    @staticmethod
    def backward(context, gradient):
        return gradient[5]
"""


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    path = tmp_path / "my_rule.py"
    path.write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("raising", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def caught(function: Any, *arguments: Any) -> BaseException:
    try:
        function(*arguments)
    except BaseException as error:
        error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
        return error
    raise AssertionError


def test_the_function_that_was_called_and_the_line_that_raised(users: Any) -> None:
    assert raised_by_user(caught(users.update, 0)) == (
        "update raised ZeroDivisionError: division by zero at my_rule.py, line 11"
    )
    assert raised_by_user(caught(users.own)) == "own raised OwnError: first at my_rule.py, line 19"
    assert raised_by_user(caught(users.leaves)) == (
        "leaves raised SystemExit: enough at my_rule.py, line 23"
    )


def test_what_a_library_raises_is_told_by_the_line_that_called_it(users: Any) -> None:
    said = raised_by_user(caught(users.library))
    assert said is not None
    assert said.startswith("library raised RuntimeError: ")
    assert said.endswith(" at my_rule.py, line 27")
    x = torch.ones(2, requires_grad=True)
    said = raised_by_user(caught(users.Backwards.apply(x).sum().backward))
    assert said is not None
    assert said.endswith("at my_rule.py, line 37")


def test_code_of_the_toolkit_alone_is_no_users() -> None:
    error = caught(torch.zeros, "no")
    assert raised_by_user(error) is None
    assert raised(error).startswith("TypeError: ")
    assert raised(ValueError("no traceback")) == "ValueError: no traceback"


def test_a_file_that_is_no_python_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("one = 1\ntwo = = 2\n")
    error = caught(compile, path.read_text(), str(path), "exec")
    said = raised_by_user(error)
    assert said is not None
    assert said.startswith("SyntaxError: ")
    assert said.endswith(f"at {path}, line 2")


def raises(kind: str) -> None:
    class Odd(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__("odd")

    raise {"own": Odd(1, 2), "ours": SpikelearnError("a sentence"), "exit": SystemExit(3)}[kind]


def test_from_another_process_comes_a_sentence_whatever_was_raised() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        with pytest.raises(SpikelearnError, match=r"raises raised Odd: odd at .*test_raised\.py"):
            pool.submit(told(raises), "own").result()
        with pytest.raises(SpikelearnError, match=r"raises raised SystemExit: 3"):
            pool.submit(told(raises), "exit").result()
        with pytest.raises(SpikelearnError, match=r"^a sentence$"):
            pool.submit(told(raises), "ours").result()
        assert pool.submit(told(abs), -1).result() == 1
