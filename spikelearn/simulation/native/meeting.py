"""Where threads that compute parts of one network wait for each other.

They meet some thousand times a second, which is too often for locks of the operating system: they
look at a number until the last one has come. One that has looked for long lets others have its
core, so that a machine on which something else runs is not held up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from spikelearn.simulation.native.compiled import inner

_LINE = 8  # numbers of 8 bytes: what different threads write lies in different lines of the cache
_CAME, _MEETINGS, _GIVEN_UP, _WISHES = 0, _LINE, 2 * _LINE, 3 * _LINE
_LOOKS = 4_000  # and then others may have the core


def meeting_place(n_parts: int) -> np.ndarray:
    """Room for the meetings of so many threads."""
    return np.zeros(_WISHES + 2 * n_parts * _LINE, dtype=np.int64)


def give_up(place: np.ndarray) -> None:
    """Let those go who wait for one that will not come; nobody meets here again."""
    place[_GIVEN_UP] = 1


@intrinsic
def _add(typing: Any, numbers: Any, place: Any, more: Any) -> Any:
    """Add to numbers[place] what no other thread comes in between of; what was there before."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        pointer = _pointer(context, builder, signature, given)
        return builder.atomic_rmw("add", pointer, given[2], "seq_cst")

    return types.int64(numbers, types.int64, types.int64), generate


@intrinsic
def _look(typing: Any, numbers: Any, place: Any) -> Any:
    """numbers[place] as other threads have left it."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        pointer = _pointer(context, builder, signature, given)
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(numbers, types.int64), generate


def _pointer(context: Any, builder: Any, signature: Any, given: Any) -> Any:
    array_type = signature.args[0]
    array = context.make_array(array_type)(context, builder, given[0])
    return cgutils.get_item_pointer(context, builder, array_type, array, [given[1]])


@intrinsic
def _step_aside(typing: Any) -> Any:
    """Let other threads have the core."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        function = cgutils.get_or_insert_function(builder.module, kind, "sched_yield")
        builder.call(function, [])
        return context.get_dummy_value()

    return types.none(), generate


# To type checkers they are what they are defined as, and take the compiler's context first.
add: Any = _add
look: Any = _look
step_aside: Any = _step_aside


@inner
def meet(place: np.ndarray, number: int, n_parts: int, wish: bool) -> bool:  # pragma: no cover
    """Wait until all parts are here; whether any of them came with the wish, or it was given up.

    Parameters
    ----------
    place : array
        Of `meeting_place`; all zero before the first meeting.
    number, n_parts : int
        Of the part that comes, and how many come.
    wish : bool
    """
    meeting = look(place, _MEETINGS)
    # Of this meeting and not of the next, to which quick ones may come while others still read.
    wishes = _WISHES + (meeting % 2) * n_parts * _LINE
    place[wishes + number * _LINE] = 1 if wish else 0
    if add(place, _CAME, 1) == n_parts - 1:
        add(place, _CAME, -n_parts)
        add(place, _MEETINGS, 1)
    else:
        looks = 0
        while look(place, _MEETINGS) == meeting:
            looks += 1
            if looks > _LOOKS:
                if look(place, _GIVEN_UP) != 0:
                    return True
                step_aside()
    wished = False
    for k in range(n_parts):
        wished |= place[wishes + k * _LINE] != 0
    return wished
