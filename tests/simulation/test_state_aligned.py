"""Arrays that begin at the start of a cache line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from spikelearn.simulation.native.state import aligned, empty, joined


class Two(NamedTuple):
    """A tuple as the engine's are."""

    values: np.ndarray
    size: int


@pytest.mark.parametrize("dtype", [np.float64, np.uint32, np.dtype([("a", np.int64)], align=True)])
def test_arrays_and_records_are_moved_to_the_start_of_a_line_and_stay_as_they_are(
    dtype: np.dtype,
) -> None:
    values = np.zeros(9, dtype)[1:]
    values[:] = np.arange(8).astype(values.dtype)
    moved = aligned(Two(values, 3))
    assert moved.values.ctypes.data % 64 == 0
    assert (moved.values == values).all()
    assert moved.size == 3
    assert empty(5, dtype).ctypes.data % 64 == 0


def test_parts_are_joined_in_their_order_and_nothing_gives_nothing() -> None:
    assert joined([np.eye(2), np.ones(1)], np.float64).tolist() == [1, 0, 0, 1, 1]
    assert joined([], np.int64).shape == (0,)
