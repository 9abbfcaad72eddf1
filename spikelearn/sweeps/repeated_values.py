"""Values that stand twice on an axis are refused: equal ones would be the same runs, twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._keys import content_key

if TYPE_CHECKING:
    from spikelearn.sweeps.axes import Axis


def refuse_repeated(axes: Sequence[Axis]) -> None:
    """Refuse axes in which a value stands twice: the table would have its rows twice.

    Parameters
    ----------
    axes : sequence of Axis

    Raises
    ------
    ValueError
        Naming the value and the paths.
    """
    known: dict[str, str] = {}
    for axis in axes:
        for path, column in zip(axis.paths, axis.columns, strict=True):
            if path in known:
                raise ValueError(
                    f"vary: {path} stands twice, as '{known[path]}' and as '{column}'; the values"
                    " of one would replace the other's"
                )
            known[path] = column
        twice = _first_repeated(axis.values)
        if twice is not None:
            what = " with ".join(f"{value!r:.60}" for value in twice)
            raise ValueError(
                f"vary: {what} stands twice in {' with '.join(axis.paths)}, and the same runs would"
                " stand twice in the table; leave one out"
            )


def _first_repeated(places: Sequence[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    seen: set[Any] = set()
    for values in places:
        if (one := tuple(map(_comparable, values))) in seen:
            return values
        seen.add(one)
    return None


def _comparable(value: Any) -> Any:
    """A value such that equal ones are equal: 10 is 10.0, and no truth is a number."""
    if isinstance(value, Mapping):
        return "mapping", frozenset((name, _comparable(inner)) for name, inner in value.items())
    if isinstance(value, list | tuple | np.ndarray):
        return "list", tuple(map(_comparable, value))
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return "number", "nan" if value != value else value  # noqa: PLR0124
    return type(value).__name__, value if isinstance(value, bool | str) else content_key(value)
