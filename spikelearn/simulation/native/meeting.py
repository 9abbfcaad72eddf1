"""Where threads that compute parts of one network wait for each other.

They meet some thousand times a second, which is too often for locks of the operating system: they
look at a number until the last one has come. One that has looked for long sleeps until it is woken
(Linux), so that where something else wants the cores, too, it has one as soon as the last has come:
a thread that only stepped aside would have used up its share by looking, and wait for milliseconds.
"""

from __future__ import annotations

import platform
import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from spikelearn.simulation.native.compiled import inner

_LINE = 8  # numbers of 8 bytes: what different threads write lies in different lines of the cache
_CAME, _MEETINGS, _GIVEN_UP, _ASLEEP, _WISHES = (k * _LINE for k in range(5))
_LOOKS = 4_000  # and then others may have the core
# The number of the system call that sleeps and wakes by an address, where there is one.
_FUTEX = {"x86_64": 202, "aarch64": 98}.get(platform.machine(), 0) * (sys.platform == "linux")
SLEEPS = _FUTEX > 0
_WAIT, _WAKE = 128, 129  # within the process
_ALL = 2**30
_LONGEST_SLEEP_NS = 5_000_000  # and then it looks whether the meeting was given up


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


@intrinsic
def _sleep(typing: Any, numbers: Any, place: Any, value: Any) -> Any:
    """Sleep until woken, unless numbers[place] is another than the value; not for long."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        word = ir.IntType(64)
        pair = ir.ArrayType(word, 2)  # seconds and nanoseconds
        longest = cgutils.alloca_once(builder, pair)
        builder.store(ir.Constant(pair, [0, _LONGEST_SLEEP_NS]), longest)
        _call_futex(context, builder, signature, given, _WAIT, builder.ptrtoint(longest, word))
        return context.get_dummy_value()

    return types.none(numbers, types.int64, types.int64), generate


@intrinsic
def _wake(typing: Any, numbers: Any, place: Any, most: Any) -> Any:
    """Wake those that sleep until numbers[place] changes, so many at most."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        nothing = ir.Constant(ir.IntType(64), 0)
        _call_futex(context, builder, signature, given, _WAKE, nothing)
        return context.get_dummy_value()

    return types.none(numbers, types.int64, types.int64), generate


def _call_futex(
    context: Any, builder: Any, signature: Any, given: Any, what: int, until: Any
) -> None:
    """The system call at numbers[place]: it looks at the lower half, the first on these machines.

    Parameters
    ----------
    context, builder, signature
        The compiler's.
    given : list
        Array, place, and the number that goes with `what`.
    what : int
        To wait, or to wake.
    until : value
        The address of the longest time, or 0.
    """
    word = ir.IntType(64)
    kind = ir.FunctionType(word, [word], var_arg=True)
    function = cgutils.get_or_insert_function(builder.module, kind, "syscall")
    address = builder.ptrtoint(_pointer(context, builder, signature, given), word)
    number, operation = ir.Constant(word, _FUTEX), ir.Constant(word, what)
    builder.call(function, [number, address, operation, given[2], until])


# To type checkers they are what they are defined as, and take the compiler's context first.
add: Any = _add
look: Any = _look
step_aside: Any = _step_aside
sleep: Any = _sleep
wake: Any = _wake


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
        if SLEEPS and look(place, _ASLEEP) > 0:
            wake(place, _MEETINGS, _ALL)
    else:
        looks = 0
        while look(place, _MEETINGS) == meeting:
            looks += 1
            if looks > _LOOKS:
                if look(place, _GIVEN_UP) != 0:
                    return True
                if SLEEPS:
                    # Who came last in between has changed the number before looking who sleeps.
                    add(place, _ASLEEP, 1)
                    sleep(place, _MEETINGS, meeting)
                    add(place, _ASLEEP, -1)
                else:
                    step_aside()
    wished = False
    for k in range(n_parts):
        wished |= place[wishes + k * _LINE] != 0
    return wished
