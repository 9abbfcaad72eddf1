"""Objects that hold arrays and tables: when two are the same, and how they show themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from spikelearn._counts import counted

_LONGEST = 60  # characters of a text, and
_MOST = 3  # entries of a list, that a line shows


class ComparedByContent:
    """A dataclass (`eq=False, repr=False`) whose arrays and tables count by what they hold.

    Fields that are declared with `compare=False` do not count. It has no hash, for nobody keeps
    arrays from changing.
    """

    def __eq__(self, other: object) -> bool:
        """Whether it is of the same kind, and each field holds the same."""
        if type(other) is not type(self):
            return NotImplemented
        counted = [one.name for one in fields(self) if one.compare]  # type: ignore[arg-type]
        return all(is_same(getattr(self, name), getattr(other, name)) for name in counted)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [one.name for one in fields(self) if one.repr]  # type: ignore[arg-type]
        values = ", ".join(f"{name}={_short(getattr(self, name))}" for name in shown)
        return f"{type(self).__name__}({values})"


def is_same(one: Any, other: Any) -> bool:
    """Whether two values hold the same; what is not a number is the same as itself."""
    if hasattr(one, "equals"):  # a table; pandas is not imported to tell that others are none
        return type(one) is type(other) and bool(one.equals(other))
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        if type(one) is not type(other):
            return False
        numbers = one.dtype.kind in "fc" and other.dtype.kind in "fc"
        return bool(np.array_equal(one, other, equal_nan=numbers))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(is_same, one, other))
    # A NaN equals nothing, itself among the rest.
    return bool(one == other) or (_is_nan(one) and _is_nan(other))


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and bool(np.isnan(value))


def _short(value: Any) -> str:
    """A value in few characters: arrays and tables by their shape."""
    if hasattr(value, "equals"):
        return f"<table of {counted(len(value), 'row')}>"
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} array of shape {value.shape}>"
    if isinstance(value, Mapping) and len(value) > _MOST:
        return f"<{len(value):,} by name>"
    if isinstance(value, list | tuple) and len(value) > _MOST:
        return f"<{len(value):,} {type(value[0]).__name__}>"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
