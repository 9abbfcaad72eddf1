"""What code decides a result: digests of its statements, which no comment and no format changes.

A digest is of a file's syntax tree without comments, docstrings and layout, and goes on to what the
file imports of the same author: neighbours of the file, its package, modules in other folders that
nobody installed. What is installed beside it (PyTorch, NumPy) is told by its version, beside the
result. Of the toolkit itself only the folders that are named count.

A file is read when its digest is first asked for after an import, and what is in memory is what
counts from then on: a file that is edited afterwards counts when it is imported anew.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import linecache
import symtable
import sys
import types
import uuid
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spikelearn._changed_code import functions_of, instructions
from spikelearn._given_values import GivenValue, class_body, enclosed, set_later, users_classes
from spikelearn._imported_files import (
    ImportedFiles,
    UnreadableCodeWarning,
    file_of,
    is_installed,
    is_toolkits,
    own_name,
)

_TOOLKIT = Path(__file__).resolve().parent
_N_DIGITS = 16


@functools.lru_cache(maxsize=4096)
def statements_digest(source: str) -> str:
    """Digest of a Python text's statements; comments, docstrings and layout do not change it."""
    return _digest(ast.parse(source))


def _digest(tree: ast.AST) -> str:
    return hashlib.sha256(_written(tree).encode()).hexdigest()[:_N_DIGITS]


def _written(node: Any) -> str:
    """A syntax tree in a text that is the same in every version of Python that has its nodes."""
    if isinstance(node, list):
        return f"[{','.join(map(_written, node))}]"
    if not isinstance(node, ast.AST):
        return f"{type(node).__name__}:{node!r}"
    parts = []
    for name, field in ast.iter_fields(node):
        value = field
        if name in ("body", "orelse", "finalbody") and isinstance(field, list):
            value = [line for line in field if not _is_text(line)]
        is_constant = isinstance(node, ast.Constant) and name == "value"
        if name not in ("ctx", "kind", "type_comment") and (is_constant or value not in (None, [])):
            parts.append(f"{name}={_written(value)}")
    return f"{type(node).__name__}({','.join(parts)})"


def _is_text(line: Any) -> bool:
    """Whether a statement does nothing but stand there: a docstring, or `pass` in its place."""
    return isinstance(line, ast.Pass) or (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


@functools.cache
def folder_code(*folders: str) -> str:
    """Digest of all Python files in folders of the toolkit, such as "comparison"."""
    digest = hashlib.sha256()
    for folder in folders:
        place = _TOOLKIT / folder
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            name = path.relative_to(_TOOLKIT).as_posix()
            text = statements_digest(path.read_text(encoding="utf-8"))
            digest.update(f"{name} {text}\n".encode())
    return digest.hexdigest()[:_N_DIGITS]


def code_of(thing: Any, ours: Iterable[str] = ()) -> dict[str, str]:
    """Digests of the code of a class or function, and of what its file imports.

    Parameters
    ----------
    thing : class, function or module
    ours : iterable of str
        Folders and files of the toolkit that count as well where they are imported, such as
        "rules"; packages' `__init__.py` in them do not.

    Returns
    -------
    dict
        From the names of modules to digests, in alphabetical order. Where the code cannot be read,
        a digest that no other process gives, with a warning.

    Raises
    ------
    SpikelearnError
        Where the file was changed after it was imported.
    """
    folders = tuple(_TOOLKIT / folder for folder in ours)
    try:
        found = _of_texts(thing, folders) | _of_given_values(thing)
    except UnreadableCodeError as reason:
        found = {_name(thing): _unknown(thing, reason)}
    return dict(sorted(found.items()))


def code_in(path: Path) -> dict[str, str]:
    """Digests of a file that was imported, and of what it imports of its author.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
        As of `code_of`, for what is no class or function and yet made by a file.

    Raises
    ------
    SpikelearnError
        Where the file was changed after it was imported.
    """
    files = ImportedFiles(())
    files.add(path)
    return dict(sorted(_digests(files).items()))


class UnreadableCodeError(Exception):
    """Code is nowhere to be read; the message says which and why.

    Attributes
    ----------
    value : object
        What cannot be digested, where it is a value.
    """

    def __init__(self, message: str, value: Any = None) -> None:
        super().__init__(message)
        self.value = value


def _of_texts(thing: Any, ours: tuple[Path, ...] = ()) -> dict[str, str]:
    """Digests of the files, or of the cells, that a class or function is made of."""
    path = file_of(thing)
    if path is None:
        return _interactive(thing, ours)
    files = ImportedFiles(ours)
    files.add(path)
    return _digests(files)


def _of_given_values(thing: Any, within: frozenset[int] = frozenset()) -> dict[str, str]:
    """Digests of what decides what a class or function does and stands in none of its texts."""
    if id(thing) in within:  # a function that knows itself
        return {}
    return {
        f"{_name(one.owner)}.{one.name}": _digest_of_given(one, within | {id(thing)})
        for one in given_values(thing)
    }


def given_values(thing: Any) -> list[GivenValue]:
    """What decides what a class or function does and stands in none of its texts."""
    found = list(enclosed(thing))
    for owner in users_classes(thing):
        body = class_text(owner)
        if body is not None:
            found += set_later(owner, body)
    return found


def class_text(thing: type) -> ast.ClassDef | None:
    """The syntax tree of a class, wherever it was defined; None where it cannot be found."""
    path = file_of(thing)
    if path is None:
        return class_body(definition(thing), thing.__qualname__)
    files = ImportedFiles(())
    files.add(path)
    (_, text), *_ = next(iter(files.found.values()))
    return class_body(ast.parse(text), thing.__qualname__)


def _digest_of_given(given: GivenValue, within: frozenset[int]) -> str:
    value = given.value
    if isinstance(value, types.ModuleType):
        return value.__name__
    if isinstance(value, types.BuiltinFunctionType):
        return _name(value)
    if not isinstance(value, type | types.FunctionType):
        return _digest_of_value(given.name, value)
    path = file_of(value)
    if path is not None and (is_installed(path) or is_toolkits(path)):
        return _name(value)
    does = instructions(value.__code__) if isinstance(value, types.FunctionType) else ()
    code = {} if id(value) in within else _of_texts(value) | _of_given_values(value, within)
    return _joined([("name", f"{_name(value)} {does}"), *code.items()])


def _name(thing: Any) -> str:
    """Where a class or function is found, whatever its module is called in this session."""
    module = own_name(getattr(thing, "__module__", ""))
    return f"{module}.{getattr(thing, '__qualname__', thing)}"


# Classes and functions whose code cannot be read, with what stands in the place of a digest.
_UNKNOWN: dict[tuple[int, int], tuple[Any, str]] = {}


def _unknown(thing: Any, reason: UnreadableCodeError) -> str:
    one = id(thing), id(reason.value)
    if one not in _UNKNOWN:
        _UNKNOWN[one] = (thing, reason.value), f"unknown {uuid.uuid4().hex}"
        warnings.warn(
            f"{reason}, so that results by {getattr(thing, '__name__', thing)} cannot be told from"
            " those by other code: they are computed anew in every session; put it into a file",
            UnreadableCodeWarning,
            stacklevel=5,
        )
    return _UNKNOWN[one][1]


def _digests(files: ImportedFiles) -> dict[str, str]:
    """From names of modules to digests; of files in folders without a package, one a name."""
    found = {}
    for module, texts in files.found.items():
        digests = [(place, statements_digest(text)) for place, text in texts]
        found[module] = digests[0][1] if len(digests) == 1 else _joined(digests)
    return found


def _joined(files: list[tuple[str, str]]) -> str:
    return hashlib.sha256(repr(sorted(files)).encode()).hexdigest()[:_N_DIGITS]


def _interactive(thing: Any, ours: tuple[Path, ...]) -> dict[str, str]:
    """Digests of what was defined in a notebook or a session, by the names that it uses."""
    found: dict[str, str] = {}
    waiting: list[Any] = [thing]
    seen: set[int] = set()
    files = ImportedFiles(ours)
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        path = file_of(one) if hasattr(one, "__module__") else None
        if isinstance(one, types.ModuleType):
            path = file_of(one)
        if path is not None:
            if files.counts(path):
                files.add(path)
            continue
        if not hasattr(one, "__qualname__"):
            continue  # a module that is no file, such as one in C
        if one.__module__ != thing.__module__:
            continue
        node = definition(one)
        found[_name(one)] = _digest(node)
        names = vars(sys.modules[one.__module__])
        for used in sorted(global_names(ast.unparse(node)) & set(names)):
            value = getattr(names[used], "__wrapped__", names[used])  # of a decorated function
            if isinstance(value, type | types.FunctionType | types.ModuleType):
                waiting.append(value)
            elif not hasattr(value, "__name__"):  # no function of a library
                found[f"{one.__module__}.{used}"] = _digest_of_value(used, value)
    return found | _digests(files)


def global_names(text: str) -> set[str]:
    """Names that a text uses and does not bind itself, its functions' own variables left out."""
    found: set[str] = set()
    waiting = [symtable.symtable(text, "", "exec")]
    while waiting:
        table = waiting.pop()
        at_top = table.get_type() == "module"
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (at_top or symbol.is_global())
        }
        waiting += table.get_children()
    return found


def _digest_of_value(name: str, value: Any) -> str:
    from spikelearn._keys import content_key

    try:
        return content_key(value, _N_DIGITS)
    except TypeError as error:
        raise UnreadableCodeError(f"the value of {name} is no plain one", value) from error


def definition(thing: Any) -> ast.AST:
    """The syntax tree of a class or function that is in no file, from the cell that made it."""
    for function in functions_of(thing):
        lines = linecache.getlines(function.__code__.co_filename)
        if not lines:
            continue
        try:
            tree = ast.parse("".join(line for line in lines if not line.startswith(("%", "!"))))
        except SyntaxError:
            continue
        for node in reversed(tree.body):
            named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if named and node.name == thing.__qualname__.split(".")[0]:  # type: ignore[attr-defined]
                return node
    raise UnreadableCodeError(f"the code of {_name(thing)} cannot be read")
