"""What will be read soon is asked for now, so that nothing waits for it then.

The synapses of neurons that spike together stand far apart in memory, where a processor cannot
guess what comes next. To begin one row after another takes as long as to walk through it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from spikelearn.simulation.native.compiled import inner

_LINE = 64  # bytes that come together


@intrinsic
def _fetch(typing: Any, numbers: Any, place: Any) -> Any:
    """Have numbers[place] and what stands beside it brought near; nothing, beyond the end."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        array_type = signature.args[0]
        array = context.make_array(array_type)(context, builder, given[0])
        pointer = cgutils.get_item_pointer(context, builder, array_type, array, [given[1]])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        to_read, to_stay, data = number(0), number(3), number(1)
        builder.call(function, [builder.bitcast(pointer, byte), to_read, to_stay, data])
        return context.get_dummy_value()

    return types.none(numbers, types.int64), generate


fetch: Any = _fetch  # to type checkers it is what it is defined as


@inner
def prefetch(numbers: np.ndarray, start: int, end: int) -> None:  # pragma: no cover - compiled
    """Have numbers[start:end] brought near.

    Parameters
    ----------
    numbers : array
    start, end : int
    """
    for place in range(start, end, _LINE // numbers.itemsize):
        fetch(numbers, place)
