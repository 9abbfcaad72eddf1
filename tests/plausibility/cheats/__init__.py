"""Planted cheats by which the audit is audited: a file a cheat.

Each file says what its rule does and why an audit might miss it, and holds

RULE
    The class.
KIND
    What it has in common with others; a name of `KINDS`.
TRUE
    The true answer by criterion: "fail"; or "not pass", where an honest audit may only be able to
    say that it cannot tell.
SLOW
    True where a single update takes long.

A file that is put here is found and tested, and `python tests/plausibility/caught.py` counts it in.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from types import ModuleType

from cheats._honest import HonestFeedbackAlignment, PlainHebb
from cheats._kinds import KINDS, Kind
from spikelearn.rules.rule import Rule

__all__ = ["CHEATS", "KINDS", "Cheat", "HonestFeedbackAlignment", "Kind", "PlainHebb"]


@dataclass(frozen=True)
class Cheat:
    """One planted cheat; see above."""

    name: str
    rule: type[Rule]
    kind: str
    true: dict[str, str]
    slow: bool


def _cheat(module: ModuleType) -> Cheat:
    name = module.__name__.rpartition(".")[2]
    return Cheat(name, module.RULE, module.KIND, module.TRUE, getattr(module, "SLOW", False))


CHEATS: dict[str, Cheat] = {
    found.name: _cheat(importlib.import_module(f"cheats.{found.name}"))
    for found in pkgutil.iter_modules(__path__)
    if not found.name.startswith("_")
}
globals().update({cheat.rule.__name__: cheat.rule for cheat in CHEATS.values()})
