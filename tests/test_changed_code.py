"""A file that was edited after its import is told from what is in memory."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from spikelearn import SpikelearnError
from spikelearn._changed_code import refuse_changed

TEXT = """
import dataclasses
import enum
RATE = 1.0
NAMES = ("a", "b")
THIRD = 1 / 3
CACHE = {"a": 1}
FILLED = []
N_SEEN = 0
SIZES = [1, 2]
if RATE:
    EITHER = 1
else:
    EITHER = 2

class Kind(enum.IntEnum):
    ONE = 1

@dataclasses.dataclass(slots=True)
class Point:
    x: int = 3

class Mine:
    K = 1
    n_made = 0

    def __init__(self, sign=1, *, loss="mse"):
        self.sign = sign
        type(self).n_made += 1

    class Inner:
        DEPTH = 2

def seen():
    global N_SEEN
    N_SEEN += 1
    CACHE["b"] = 2
    FILLED.append(1)
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[types.ModuleType, Path]:
    path = tmp_path / "mine.py"
    module = types.ModuleType("mine")
    monkeypatch.setitem(sys.modules, "mine", module)
    exec(compile(TEXT, str(path), "exec"), vars(module))  # noqa: S102 - of this file
    return module, path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 1.0", "RATE = 2.0"),
        ("RATE = 1.0", "RATE = 1"),
        ("RATE = 1.0", "RATE = 0.5 * 4"),
        ('("a", "b")', '("a", "c")'),
        ("1 / 3", "1 / 4"),
        ("[1, 2]", "[1, 2, 3]"),
        ("K = 1", "K = 2"),
        ("DEPTH = 2", "DEPTH = 3"),
        ("sign=1", "sign=-1"),
        ("sign=1", "sign"),
        ('loss="mse"', 'loss="other"'),
        ("N_SEEN += 1", "N_SEEN += 2"),
    ],
)
def test_an_edited_constant_or_default_is_refused(
    made: tuple[types.ModuleType, Path], old: str, new: str
) -> None:
    module, path = made
    assert old in TEXT
    with pytest.raises(SpikelearnError, match=r"mine\.py was changed after it was imported"):
        refuse_changed(module, TEXT.replace(old, new), path)


def test_what_a_file_itself_changes_and_comments_are_not(
    made: tuple[types.ModuleType, Path],
) -> None:
    module, path = made
    module.Mine()
    module.seen()
    refuse_changed(module, TEXT + "# A comment.\n", path)


def test_a_value_set_from_outside_is_refused(made: tuple[types.ModuleType, Path]) -> None:
    module, path = made
    module.Mine.K = 77
    with pytest.raises(SpikelearnError, match=r"mine\.py was changed after it was imported"):
        refuse_changed(module, TEXT, path)
