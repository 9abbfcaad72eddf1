"""What a class says of itself, read from its file where it has not been imported.

Importing all rules imports torch, which takes seconds; their files are read in a fraction of one.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def first_line(module: str, name: str) -> str:
    """First line of a class's docstring; empty where there is none."""
    loaded = _imported(module, name)
    if loaded is not None:
        text = inspect.cleandoc(loaded.__doc__ or "")
    else:
        text = ast.get_docstring(_classes(module)[0][name]) or ""
    return text.partition("\n")[0]


def documentation(module: str, name: str) -> tuple[str, str]:
    """The docstrings of a module and of its class, each empty where there is none."""
    loaded = _imported(module, name)
    if loaded is not None:
        home = sys.modules[module]
        return inspect.cleandoc(home.__doc__ or ""), inspect.cleandoc(loaded.__doc__ or "")
    family = ast.get_docstring(ast.parse(_text(module)))
    return family or "", ast.get_docstring(_classes(module)[0][name]) or ""


def attribute(module: str, name: str, wanted: str) -> Any:
    """An attribute of a class, or None; not imported if its file or a base's has it as a literal.

    Parameters
    ----------
    module, name : str
        Of the class.
    wanted : str
        Name of the attribute.
    """
    loaded = _imported(module, name)
    if loaded is not None:
        return getattr(loaded, wanted, None)
    values = (_assigned(definition, wanted) for definition in _with_bases(module, name))
    value = next((value for value in values if value is not None), None)
    try:
        if value is not None:
            return ast.literal_eval(value)
    except ValueError:  # it is computed
        pass
    return getattr(getattr(importlib.import_module(module), name), wanted, None)


def _assigned(definition: ast.ClassDef, wanted: str) -> ast.expr | None:
    """What a class assigns to that attribute."""
    for line in definition.body:
        targets: list[ast.expr] = []
        if isinstance(line, ast.Assign):
            targets = line.targets
        elif isinstance(line, ast.AnnAssign):
            targets = [line.target]
        if any(isinstance(target, ast.Name) and target.id == wanted for target in targets):
            return line.value  # type: ignore[attr-defined]
    return None


def _imported(module: str, name: str) -> Any:
    """The class, where its module was imported already, or cannot be read; else None."""
    if module not in sys.modules and name in _classes(module)[0]:
        return None
    return getattr(importlib.import_module(module), name)


def _with_bases(module: str, name: str) -> Iterator[ast.ClassDef]:
    """Definitions of a class and of its bases in the same package or in ours, depth first."""
    classes, imports = _classes(module)
    if name in classes:
        yield classes[name]
        for base in classes[name].bases:
            if isinstance(base, ast.Name):
                yield from _with_bases(module, base.id)
    elif _package(imports.get(name, "")) in ("spikelearn", _package(module)):
        yield from _with_bases(imports[name], name)


def _package(module: str) -> str:
    return module.partition(".")[0]


@functools.cache
def _classes(module: str) -> tuple[dict[str, ast.ClassDef], dict[str, str]]:
    """Classes that a module defines, and the modules from which it imports names.

    Nothing where the module is no file of Python.
    """
    classes: dict[str, ast.ClassDef] = {}
    imports: dict[str, str] = {}
    for node in ast.parse(_text(module)).body:
        if isinstance(node, ast.ClassDef):
            classes[node.name] = node
        elif isinstance(node, ast.ImportFrom) and node.module:
            imports |= {alias.asname or alias.name: node.module for alias in node.names}
    return classes, imports


def _text(module: str) -> str:
    """A module's text; empty where it is no file of Python."""
    spec = find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return ""
    return Path(spec.origin).read_text(encoding="utf-8")
