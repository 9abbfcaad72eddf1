"""Whether the audit's own code is what it was when a rule came under audit.

A rule runs in the process that measures it, and may change whatever it can reach. What it changed
among the functions and classes of the audit is found, and put back.
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any

_ROOM = "spikelearn.plausibility"


class AuditCode:
    """The audit's functions and classes, as they were when this was made."""

    def __init__(self) -> None:
        self._places: list[Any] = []
        for name, module in list(sys.modules.items()):
            if name == _ROOM or name.startswith(_ROOM + "."):
                self._places.append(module)
                self._places += [
                    item
                    for item in vars(module).values()
                    if isinstance(item, type) and item.__module__ == name
                ]
        self._known = [_code(place) for place in self._places]

    def changed(self) -> list[str]:
        """Names of what was changed meanwhile; it is put back.

        What has come since, such as a module that was imported when it was needed, is no change.
        """
        names = []
        for place, known in zip(self._places, self._known, strict=True):
            now = vars(place)
            for name, (item, code) in known.items():
                if now.get(name) is not item:
                    names.append(f"{_called(place)}.{name}")
                    setattr(place, name, item)
                if code is not None and item.__code__ is not code:
                    names.append(f"{_called(place)}.{name}")
                    item.__code__ = code
        return names


def _code(place: Any) -> dict[str, tuple[Any, Any]]:
    """Functions and classes of a module, methods of a class; with the code of functions."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, item in vars(place).items():
        if isinstance(item, FunctionType):
            found[name] = item, item.__code__
        elif isinstance(item, type | property | staticmethod | classmethod):
            found[name] = item, None
    return found


def _called(place: Any) -> str:
    if isinstance(place, ModuleType):
        return place.__name__
    return f"{place.__module__}.{place.__name__}"
