"""A class of a notebook or a script is written as a module that makes it again."""

from __future__ import annotations

import linecache
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from spikelearn._session_code import UnwritableError, module_text

CELLS = (
    "import math\nimport numpy as np\nimport os.path as places\nfrom math import sqrt\n"
    "SCALE = {'a': 0.5}\nENDLESS = float('inf')\n",
    "import functools\n@functools.cache\ndef scaled(x):\n    return sqrt(4) * SCALE['a'] * x\n",
    "class Base:\n    rate = 1.0\n    def of(self, x):\n        return self.rate * scaled(x)\n"
    "    def other(self):\n        return 0\n",
    "class Mine(Base):\n    '''What it is.'''\n    class Inner:\n        one = 1\n"
    "    def of(self, x):\n"
    "        return super().of(min(x, ENDLESS)) + math.pi + len(places.join('a', 'b'))\n",
    "def make(offset):\n    class Made(Base):\n        def of(self, x):\n"
    "            return super().of(x) + offset\n    return Made\n",
)


@pytest.fixture
def session() -> Iterator[Any]:
    module = types.ModuleType("a_session")
    sys.modules["a_session"] = module
    for number, text in enumerate(CELLS):
        file = f"<ipython-input-{number}-session>"
        linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
        exec(compile(text, file, "exec"), vars(module))  # noqa: S102 - of this file
    yield module
    del sys.modules["a_session"]


def again(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "elsewhere"}
    exec(text, names)  # noqa: S102 - of this file
    return names


def test_the_module_makes_the_class_again(session: Any) -> None:
    made = again(module_text(session.Mine))
    assert made["Mine"]().of(3.0) == session.Mine().of(3.0)
    assert "np" not in made  # nothing that it does not use
    assert again(module_text(session.Mine.Inner))["Mine"].Inner.one == 1


def test_what_was_set_later_is_set_again(session: Any) -> None:
    session.Base.rate = 3.0
    session.Mine.more = [1, 2]
    session.Base.of = session.make(0).__dict__["of"]
    with pytest.raises(UnwritableError, match=r"of\.offset of Base is in no text"):
        module_text(session.Mine)
    session.Base.of = session.scaled.__wrapped__
    made = again(module_text(session.Mine))
    assert (made["Base"].rate, made["Mine"].more) == (3.0, [1, 2])
    assert made["Base"].__dict__["of"](3.0) == 3.0


def test_a_class_that_a_function_made_has_its_values_beside_it(session: Any) -> None:
    made = again(module_text(session.make(2.5)))
    assert made["Made"]().of(1.0) == session.make(2.5)().of(1.0)
    with pytest.raises(UnwritableError, match="value of offset is no plain one"):
        module_text(session.make(np.ones(3)))


def test_what_cannot_be_written_is_said(session: Any) -> None:
    with pytest.raises(UnwritableError, match="is in no module"):
        module_text(type("Made", (), {"__module__": "nowhere"}))
    with pytest.raises(UnwritableError, match="is not in its module"):
        module_text(type("Made", (), {"__module__": "a_session"}))
    session.SCALE = np.ones(3)
    with pytest.raises(UnwritableError, match="value of SCALE is no plain one"):
        module_text(session.Mine)
