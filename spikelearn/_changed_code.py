"""Whether a module in memory is what stands in its file: one that was edited after its import.

Compared are the instructions of functions, their defaults, and constants of the module and its
classes. Constants that the file itself goes on to change are not.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spikelearn._errors import SpikelearnError

_PLAIN = (bool, int, float, complex, str, bytes, tuple, frozenset, list, dict, set, type(None))
_CHANGEABLE = (list, dict, set)
_OF_CONSTANTS = (
    ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Tuple, ast.List, ast.Set,
    ast.Dict, ast.expr_context,
)  # fmt: skip
_UNSAID = object()


def refuse_changed(module: types.ModuleType, text: str, path: Path) -> None:
    """Refuse a file that does not hold what was imported from it.

    Parameters
    ----------
    module : module
        In memory.
    text : str
        What the file holds.
    path : Path
        Of the file.

    Raises
    ------
    SpikelearnError
        If they differ.
    """
    tree = ast.parse(text)
    if (
        _are_other_functions(module, text, path)
        or _are_other_defaults(module, tree, path)
        or _are_other_constants(module, tree)
    ):
        raise SpikelearnError(
            f"{path} was changed after it was imported, so that nobody could tell by which code"
            " a result was made; start Python anew, or reload the module"
        )


def _own_functions(module: types.ModuleType, path: Path) -> Iterator[types.FunctionType]:
    for function in functions_of(module):
        code = function.__code__
        if Path(code.co_filename).resolve() == path and "<locals>" not in code.co_qualname:
            yield function


def _are_other_functions(module: types.ModuleType, text: str, path: Path) -> bool:
    written = {code.co_qualname: code for code in _codes(compile(text, str(path), "exec"))}
    for function in _own_functions(module, path):
        there = written.get(function.__code__.co_qualname)
        if there is None or instructions(there) != instructions(function.__code__):
            return True
    return False


def _are_other_defaults(module: types.ModuleType, tree: ast.Module, path: Path) -> bool:
    written = dict(_definitions(tree, ""))
    for function in _own_functions(module, path):
        node = written.get(function.__code__.co_qualname)
        if node is None:
            continue
        arguments = node.args
        given = function.__defaults__ or ()
        if len(given) != len(arguments.defaults):
            return True
        by_name = function.__kwdefaults__ or {}
        named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        pairs = [
            *zip(arguments.defaults, given, strict=True),
            *((value, by_name.get(one.arg, _UNSAID)) for one, value in named if value is not None),
        ]
        if any(is_other_value(expression, value) for expression, value in pairs):
            return True
    return False


def _definitions(
    block: ast.Module | ast.ClassDef, before: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in block.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{before}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from _definitions(node, f"{before}{node.name}.")


def _are_other_constants(module: types.ModuleType, tree: ast.Module) -> bool:
    changing = _changing(tree)
    waiting: list[tuple[ast.Module | ast.ClassDef, Any]] = [(tree, module)]
    while waiting:
        block, owner = waiting.pop()
        named = vars(owner)
        for name, expression in _assigned_once(block):
            if name not in changing and is_other_value(expression, named.get(name, _UNSAID)):
                return True
        for node in block.body:
            if isinstance(node, ast.ClassDef):
                inner = named.get(node.name)
                if isinstance(inner, type) and inner.__module__ == module.__name__:
                    waiting.append((node, inner))
    return False


def _assigned_once(block: ast.Module | ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    """Names that a block gives one value, and that value."""
    values: dict[str, list[ast.expr]] = {}
    bound: dict[str, int] = {}
    waiting: list[ast.AST] = list(block.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound[node.name] = bound.get(node.name, 0) + 1
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound[node.id] = bound.get(node.id, 0) + 1
        waiting.extend(ast.iter_child_nodes(node))
    for line in block.body:
        if isinstance(line, ast.Assign):
            targets, value = line.targets, line.value
        elif isinstance(line, ast.AnnAssign) and line.value is not None:
            targets, value = [line.target], line.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                values.setdefault(target.id, []).append(value)
    for name, given in values.items():
        if len(given) == 1 == bound.get(name) and not name.startswith("__"):
            yield name, given[0]


def _changing(tree: ast.Module) -> set[str]:
    """Names whose values the file itself may change while it is used."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            found |= set(node.names)
        elif isinstance(node, ast.Attribute):
            owner = getattr(node.value, "attr", getattr(node.value, "id", ""))
            found.add(owner)  # X.append(...)
            if not isinstance(node.ctx, ast.Load) and owner != "self":
                found.add(node.attr)  # type(self).n = ...
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            found.add(getattr(node.value, "attr", getattr(node.value, "id", "")))
    return found


def is_other_value(expression: ast.expr, value: Any) -> bool:
    """Whether a value is not that of a constant expression; False where that cannot be said."""
    if type(value) not in _PLAIN or not all(
        isinstance(node, _OF_CONSTANTS) for node in ast.walk(expression)
    ):
        return False
    try:
        written = eval(compile(ast.Expression(expression), "", "eval"), {})  # noqa: S307 - constants
    except Exception:  # such as a type that is no key
        return False
    if type(written) in _CHANGEABLE and not written:
        return False  # one that is filled later
    if isinstance(written, set):
        return type(value) is not set or written != value
    return type(written) is not type(value) or repr(written) != repr(value)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """Code objects within one; of two with one name the last, as Python has it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def instructions(code: types.CodeType) -> tuple[Any, ...]:
    """What code does, without its docstring and places."""
    first = code.co_consts[0] if code.co_consts else None  # a docstring, if it is a text
    constants = tuple(
        instructions(c) if isinstance(c, types.CodeType) else (type(c), c)
        for c in code.co_consts[isinstance(first, str) :]
    )
    return code.co_code, constants, code.co_names, code.co_varnames


def functions_of(thing: Any) -> Iterator[types.FunctionType]:
    """The functions that a class or module defines, or the function itself."""
    module = getattr(thing, "__module__", getattr(thing, "__name__", None))
    waiting: list[Any] = [thing]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        one = getattr(one, "__func__", getattr(one, "fget", one))
        if isinstance(one, types.FunctionType):
            yield one
        elif (one is thing or getattr(one, "__module__", None) == module) and id(one) not in seen:
            seen.add(id(one))
            waiting.extend(vars(one).values() if isinstance(one, type | types.ModuleType) else ())
