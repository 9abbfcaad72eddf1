"""The slopes of any neuron model, compiled, and how compiled code calls them.

A model's slopes are compiled by themselves, when a network first has it, kept on disk, and called
by their address: the time loop knows no model by name, and is not compiled anew for one more.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic

from spikelearn._keys import content_key, text_key
from spikelearn.networks.neurons import NeuronModel
from spikelearn.simulation.grid.neurons import GridNeurons

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
_FLOATS = types.CPointer(types.float64)
# Of n neurons: v and then each variable in y, their slopes in d; parameters in p, whose rows are
# `row` apart.
_SIGNATURE = types.int64(types.int64, types.int64, *[_FLOATS] * 5)
_LOOP = """
def {name}(n, row, y, drive, conductance, p, d):
    for j in range(n):
        {slopes}, = slopes({given})
    return 0
"""

# What Numba knows by itself, whatever is in it.
_OF_NUMBA = ("builtins", "math", "cmath", "numpy", "numba")

_compiled: dict[type[NeuronModel], Any] = {}
_lock = threading.Lock()


def slopes_of(population: GridNeurons) -> int:
    """Address of a population's compiled slopes, for `runge_kutta`."""
    model = population.model
    with _lock:
        if model not in _compiled:
            _compiled[model] = _compile(population)
        return int(_compiled[model].address)


def _compile(population: GridNeurons) -> Any:
    model, slopes = population.model, population.model.slopes
    assert isinstance(slopes, FunctionType)  # noqa: S101 - the engine refuses models without
    file, loop = inspect.getfile(slopes), _loop(population, slopes)
    # Numba keeps machine code by a function's name and as long as its file is the same: so it is
    # made as if it stood in the model's file, and its name tells what it computes.
    try:
        told = _told(slopes)
    except _UntoldError:  # compiled anew in every session
        told = None
    name = f"{model.__name__}_{text_key(f'{loop}{told}', n_digits=16)}"
    namespace = {"slopes": _compilable(slopes), "__name__": slopes.__module__}
    exec(compile(loop.format(name=name), file, "exec"), namespace)  # noqa: S102 - ours
    kept = Path(file).is_file() and slopes.__closure__ is None and told is not None
    return cfunc(_SIGNATURE, cache=kept, **_OPTIONS)(namespace[name])


class _UntoldError(Exception):
    """Something that decides what a function computes has no content that could be told."""


def _told(function: FunctionType) -> str:
    """All that decides what a function computes: its code, and what it finds outside itself.

    Raises
    ------
    _UntoldError
        Where it finds what is neither a value, a function nor a module.
    """
    parts: list[str] = []
    waiting: list[Any] = [function]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        names: list[str] = []
        for code in _codes(one.__code__):
            names += code.co_names
            parts += [code.co_code.hex(), repr((code.co_names, code.co_varnames))]
            values = [value for value in code.co_consts if not isinstance(value, CodeType)]
            parts.append(repr(values))
        cells = zip(one.__code__.co_freevars, one.__closure__ or (), strict=True)
        found = {name: cell.cell_contents for name, cell in cells}
        found |= {name: one.__globals__[name] for name in names if name in one.__globals__}
        found |= {f"default {place}": value for place, value in enumerate(one.__defaults__ or ())}
        found |= one.__kwdefaults__ or {}
        outside = list(found.items())
        while outside:
            name, value = outside.pop()
            value = getattr(value, "py_func", value)  # what Numba compiles
            place = f"{getattr(value, '__module__', '')}.{getattr(value, '__name__', '')}"
            if isinstance(value, ModuleType):
                if id(value) not in seen and value.__name__.partition(".")[0] not in _OF_NUMBA:
                    seen.add(id(value))
                    used = [each for each in names if each in vars(value)]
                    outside += [(f"{name}.{each}", vars(value)[each]) for each in used]
            elif callable(value) and place.partition(".")[0] in _OF_NUMBA:
                parts.append(f"{name} {place}")
            elif isinstance(value, FunctionType):
                parts.append(f"{name} {place}")
                waiting.append(value)
            else:
                parts.append(f"{name} {type(value).__name__} {_content(name, value)}")
    return " ".join(parts)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _codes(value)


def _content(name: str, value: Any) -> str:
    try:
        return content_key(value)
    except (TypeError, ValueError) as error:
        raise _UntoldError(name) from error


def _loop(population: GridNeurons, slopes: FunctionType) -> str:
    """The loop over neurons as text, with the names that `slopes` takes found in the arrays."""
    places = {"v": "y[j]", "drive": "drive[j]", "conductance": "conductance[j]"}
    places |= {key: f"y[{1 + k} * n + j]" for k, key in enumerate(population.variables)}
    places |= {key: f"p[{k} * row + j]" for k, key in enumerate(population.parameters)}
    given = inspect.signature(slopes).parameters
    for key in given:
        if key not in places:
            raise TypeError(
                f"slopes of {population.model.__name__} take '{key}', which is none of"
                f" {', '.join(places)}"
            )
    return _LOOP.format(
        name="{name}",
        slopes=", ".join(f"d[{k} * n + j]" for k in range(1 + len(population.variables))),
        given=", ".join(f"{key}={places[key]}" for key in given),
    )


def _compilable(function: FunctionType) -> Any:
    """A plain function, with the plain functions that it calls, for Numba."""
    called = {
        name: _compilable(value)
        for name in function.__code__.co_names
        if isinstance(value := function.__globals__.get(name), FunctionType)
    }
    names = {**function.__globals__, **called}
    twin = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    return njit(**_OPTIONS)(twin)


def _pointer(typing_context: Any, array: Any, offset: Any) -> Any:
    """Where an element of a contiguous array lies, for compiled code.

    An index into it is not asked whether it is negative, and no part of an array has to be made,
    which takes long to compile.
    """
    del typing_context, offset

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        begin = context.make_array(signature.args[0])(context, builder, values[0]).data
        return builder.gep(begin, [values[1]])

    return types.CPointer(array.dtype)(array, types.int64), generate


def _call_slopes(
    typing_context: Any,
    address: Any,
    n: Any,
    row: Any,
    y: Any,
    drive: Any,
    conductance: Any,
    moment: Any,
    p: Any,
    at: Any,
    d: Any,
) -> Any:
    """Call slopes by their address.

    Parameters
    ----------
    address, n, row : int
    y, drive, conductance, p, d : pointers
        As above.
    moment, at : int
        Where drive and conductance begin, and p.
    """
    del typing_context, address, n, row, y, drive, conductance, moment, p, at, d

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        del context, signature
        address, n, row, y, drive, conductance, moment, p, at, d = values
        drive, conductance = builder.gep(drive, [moment]), builder.gep(conductance, [moment])
        given = [n, row, y, drive, conductance, builder.gep(p, [at]), d]
        kind = ir.FunctionType(ir.IntType(64), [value.type for value in given])
        return builder.call(builder.inttoptr(address, kind.as_pointer()), given)

    integer = types.int64
    given = [integer] * 3 + [_FLOATS] * 3 + [integer, _FLOATS, integer, _FLOATS]
    return integer(*given), generate


def _moved(typing_context: Any, pointer: Any, by: Any) -> Any:
    """A pointer so many numbers on."""
    del typing_context, by

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        del context, signature
        return builder.gep(values[0], [values[1]])

    return _FLOATS(_FLOATS, types.int64), generate


# Numba hands the first argument over by itself, which its types do not know.
pointer: Any = intrinsic(_pointer)
slopes_at: Any = intrinsic(_call_slopes)
moved: Any = intrinsic(_moved)
