"""The code of a class that was defined in a notebook or a script, as a module of its own.

It holds the class, what the class uses of the session (functions, classes and plain values), and
imports of the rest: what another process needs to make the class again, and nothing else that the
session did.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import math
import sys
import types
from typing import Any

from spikelearn._code import (
    UnreadableCodeError,
    class_text,
    definition,
    given_values,
    global_names,
)


class UnwritableError(Exception):
    """A class cannot be made again from text; the message says why."""


def module_text(thing: type) -> str:
    """The text of a module that defines a class of this session.

    Raises
    ------
    UnwritableError
        If it, or something that it uses, cannot be written: a value that is not plain, or what a
        function has made.
    """
    if thing.__module__ not in sys.modules:
        raise UnwritableError(f"{thing.__name__} is in no module")
    written = _Written(thing.__module__)
    try:
        if "<locals>" in thing.__qualname__:
            written.add_made(thing)
        else:
            top = thing.__qualname__.split(".", maxsplit=1)[0]
            outermost = vars(sys.modules[thing.__module__]).get(top)
            if not isinstance(outermost, type):
                raise UnwritableError(f"{thing.__name__} is not in its module")
            written.add(top, outermost)
    except UnreadableCodeError as error:
        raise UnwritableError(str(error)) from error
    return "\n".join(["from __future__ import annotations", "", *written.lines])


def assignments(thing: type) -> list[str]:
    """Lines that set what was set on a class, and its bases in its module, after it was made.

    Raises
    ------
    UnwritableError
        If a value is not plain.
    """
    lines = []
    for given in given_values(thing):
        value = given.value
        if given.owner.__module__ != thing.__module__ or "." in given.name:
            raise UnwritableError(f"{given.name} of {given.owner.__name__} is in no text")
        if given.is_computed:
            continue  # the text computes it anew
        if isinstance(value, types.FunctionType):
            value_text = value.__qualname__
            if "<" in value_text or value.__module__ != thing.__module__:
                raise UnwritableError(f"{given.name} has no name of its own")
        else:
            value_text = _literal(given.name, value)
        lines.append(f"{given.owner.__qualname__}.{given.name} = {value_text}")
    return lines


class _Written:
    """Lines of a module, in an order in which everything is there when it is used."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.lines: list[str] = []
        self._names: set[str] = set()

    def add(self, name: str, value: Any) -> None:
        """Have a name of the session mean in the module what it means there."""
        if name in self._names:
            return
        self._names.add(name)
        inner: Any = inspect.unwrap(value) if callable(value) else value
        if isinstance(value, types.ModuleType):
            self.lines.append(f"import {value.__name__} as {name}")
        elif isinstance(inner, type | types.FunctionType) and inner.__module__ == self.module:
            self._define(inner)
        elif hasattr(value, "__qualname__") and getattr(value, "__module__", None) in sys.modules:
            module, there = str(value.__module__), str(value.__qualname__)
            if vars(sys.modules[module]).get(there) is not value:
                raise UnwritableError(f"{name} cannot be imported")
            self.lines.append(f"from {module} import {there} as {name}")
        else:
            self.lines.append(f"{name} = {_literal(name, value)}")

    def _define(self, value: Any) -> None:
        if "<" in value.__qualname__:
            raise UnwritableError(f"{value.__name__} was made by a function")
        later = assignments(value) if isinstance(value, type) else []
        self._add_text("\n".join([ast.unparse(definition(value)), *later]), value.__name__)

    def add_made(self, made: type) -> None:
        """A class that a function has made, with what it keeps of the function beside it."""
        body = class_text(made)
        if body is None:
            raise UnwritableError(f"the text of {made.__name__} cannot be found")
        of_function = {}
        for given in given_values(made):
            if "." not in given.name and given.owner is not made:
                continue  # of a base, where it is written
            if "." not in given.name or given.owner is not made:
                raise UnwritableError(f"{given.name} of {given.owner.__name__} is in no text")
            name = given.name.rpartition(".")[2]
            of_function[name] = _literal(name, given.value)
        self._names |= set(of_function)
        self.lines += [f"{name} = {value}" for name, value in of_function.items()]
        known = {*vars(sys.modules[self.module]), *vars(builtins), *of_function}
        bases = {n.id for base in body.bases for n in ast.walk(base) if isinstance(n, ast.Name)}
        if not bases <= known:
            raise UnwritableError(f"the base of {made.__name__} was made by a function, too")
        self._add_text(ast.unparse(body), made.__name__)

    def _add_text(self, text: str, name: str) -> None:
        """A definition, after what it uses."""
        there = vars(sys.modules[self.module])
        for other in sorted((global_names(text) & set(there)) - {name}):
            self.add(other, there[other])
        self.lines += [text, ""]


def _literal(name: str, value: Any) -> str:
    """A plain value as Python writes it."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    try:
        if ast.literal_eval(repr(value)) == value:
            return repr(value)
    except (ValueError, SyntaxError, TypeError):
        pass
    raise UnwritableError(f"the value of {name} is no plain one")
