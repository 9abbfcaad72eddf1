"""Arrays that begin at the start of a cache line.

NumPy's begin anywhere. Vector instructions take half as long again, or longer, where what they load
lies in two lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

_LINE = 64  # bytes
_Tuple = TypeVar("_Tuple", bound=tuple[Any, ...])


def empty(size: int, dtype: Any = np.float64) -> np.ndarray:
    """An array of shape (size,), filled with whatever there is."""
    n_bytes = size * np.dtype(dtype).itemsize
    room = np.empty(n_bytes + _LINE, np.uint8)
    start = -room.ctypes.data % _LINE
    return room[start : start + n_bytes].view(dtype)


def joined(parts: Sequence[np.ndarray], dtype: Any) -> np.ndarray:
    """All numbers of all parts in one array of shape (n,); empty where there are no parts."""
    return np.concatenate([np.zeros(0, dtype=dtype), *(np.ravel(p) for p in parts)]).astype(
        dtype, copy=False
    )


def aligned(given: _Tuple) -> _Tuple:
    """A named tuple's arrays, copied where they do not begin at the start of a line."""
    return type(given)(*(_moved(item) for item in given))


def _moved(item: Any) -> Any:
    if not isinstance(item, np.ndarray) or not item.size or item.ctypes.data % _LINE == 0:
        return item
    moved = empty(item.size, item.dtype).reshape(item.shape)
    moved[...] = item
    return moved
