"""Studies over the corridor: runs compared with recordings, whole studies, the demonstration."""

from __future__ import annotations

import importlib
from typing import Any

# Public name -> module; imported when used, because training needs torch.
_PLACES = {
    "compare": "comparing",
    "open_run": "representation",
    "show": "representation",
}

__all__ = [
    "compare",
    "open_run",
    "show",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_PLACES[name]}")
    value = globals()[name] = getattr(module, name)
    return value
