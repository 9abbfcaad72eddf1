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
import importlib.machinery
import linecache
import os
import sys
import sysconfig
import types
import uuid
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spikelearn._changed_code import functions_of, refuse_changed
from spikelearn._errors import SpikelearnError

_TOOLKIT = Path(__file__).resolve().parent
_INSTALLED = {
    Path(place).resolve()
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
    if (place := sysconfig.get_paths().get(name))
}
_N_DIGITS = 16


class UnreadableCodeWarning(UserWarning):
    """Code that decides a result cannot be read, so that the result cannot be told from others."""


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
    path = _file_of(thing)
    try:
        if path is not None:
            closure = _Closure(folders)
            closure.add(path)
            found = closure.digests
        else:
            found = _interactive(thing, folders)
    except _UnreadableError as reason:
        found = {_name(thing): _unknown(thing, str(reason))}
    return dict(sorted(found.items()))


class _UnreadableError(Exception):
    """Code is nowhere to be read; the message says which and why."""


def _name(thing: Any) -> str:
    return f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', thing)}"


# Classes and functions whose code cannot be read, with what stands in the place of a digest.
_UNKNOWN: dict[int, tuple[Any, str]] = {}


def _unknown(thing: Any, reason: str) -> str:
    if id(thing) not in _UNKNOWN:
        _UNKNOWN[id(thing)] = thing, f"unknown {uuid.uuid4().hex}"
        warnings.warn(
            f"{reason}, so that results by {getattr(thing, '__name__', thing)} cannot be told from"
            " those by other code: they are computed anew in every session; put it into a file",
            UnreadableCodeWarning,
            stacklevel=5,
        )
    return _UNKNOWN[id(thing)][1]


def _file_of(thing: Any) -> Path | None:
    """The file in which a class, function or module is; None where it is in none."""
    if isinstance(thing, types.ModuleType):
        name: Any = getattr(thing, "__file__", None)
    else:
        module = sys.modules.get(thing.__module__)
        name = getattr(module, "__file__", None)
        if module is None or getattr(module, thing.__qualname__.split(".")[0], None) is None:
            # Made by a function, or from a file that is no module (`rule_from_file`).
            name = next((f.__code__.co_filename for f in functions_of(thing)), name)
    if name is None or not str(name).endswith(".py") or not Path(name).is_file():
        return None
    return Path(name).resolve()


class _Closure:
    """Files from one on, by the imports of each."""

    def __init__(self, ours: tuple[Path, ...]) -> None:
        self.ours = ours
        self._found: dict[str, list[tuple[str, str]]] = {}
        self._start = Path()  # the folder from which the first file is imported
        self._home: Path | None = None  # the package of the first file, wherever it is installed
        self._seen: set[Path] = set()

    @property
    def digests(self) -> dict[str, str]:
        """From names of modules to digests; of files in folders without a package, one a name."""
        return {
            module: files[0][1] if len(files) == 1 else _joined(files)
            for module, files in self._found.items()
        }

    def add(self, path: Path) -> None:
        """Take a file, and what it imports, if it counts."""
        if path in self._seen:
            return
        self._seen.add(path)
        root = _root(path)
        if len(self._seen) == 1:
            self._start = root
            if root != path.parent:
                self._home = root / path.relative_to(root).parts[0]
        module = _dotted(path, root)
        text = _text_in_memory(module, path)
        place = Path(os.path.relpath(path, self._start)).as_posix()
        self._found.setdefault(module, []).append((place, statements_digest(text)))
        if not self._is_ours(path):  # a package of the user's is run before its modules
            for folder in path.parents:
                if folder == root:
                    break
                self.add(folder / "__init__.py")
        if not self._is_ours(path) and _TOOLKIT not in path.parents:
            _warn_of_computed_names(text, path)
        for found in _imports(text, path, root):
            if self._counts(found):
                self.add(found)

    def _is_ours(self, path: Path) -> bool:
        return any(path == place or place in path.parents for place in self.ours)

    def _counts(self, path: Path) -> bool:
        if self._is_ours(path):
            return path.name != "__init__.py"
        if _TOOLKIT in path.parents:
            return False
        if self._home is not None and self._home in path.parents:
            return True
        return not any(place in path.parents for place in _INSTALLED) and not (
            {"site-packages", "dist-packages"} & set(path.parts)
        )


def _joined(files: list[tuple[str, str]]) -> str:
    return hashlib.sha256(repr(sorted(files)).encode()).hexdigest()[:_N_DIGITS]


def _root(path: Path) -> Path:
    """The folder from which a file is imported: above its packages."""
    folder = path.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _dotted(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


@functools.lru_cache(maxsize=4096)
def _names_imported(source: str) -> frozenset[tuple[int, tuple[str, ...]]]:
    """What a text imports, wherever in it: how many folders up, and the names from there on."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {(0, tuple(alias.name.split("."))) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = tuple(node.module.split(".")) if node.module else ()
            # What is imported is a name, or a module of the package.
            found |= {(node.level, parts), *((node.level, (*parts, a.name)) for a in node.names)}
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            name = node.args[0].value
            if called in ("import_module", "__import__") and isinstance(name, str):
                found.add((0, tuple(name.split("."))))
    return frozenset(found)


@functools.lru_cache(maxsize=4096)  # said once of a file
def _warn_of_computed_names(source: str, path: Path) -> None:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__"):
                warnings.warn(
                    f"{path}, line {node.lineno}, imports a module by a computed name: its code is"
                    " not seen, and results by an older version of it are read; import it by name",
                    UnreadableCodeWarning,
                    stacklevel=6,
                )


def _imports(source: str, path: Path, root: Path) -> Iterator[Path]:
    """The files that a file imports."""
    for level, parts in _names_imported(source):
        if not level:
            yield from _found(parts, [root, *map(Path, sys.path)])
        elif level <= len(path.parents):
            yield from _found(parts, [path.parents[level - 1]])


def _found(parts: tuple[str, ...], folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        place = folder.joinpath(*parts)
        for path in (
            place.with_name(f"{place.name}.py") if parts else place,
            place / "__init__.py",
        ):
            if path.is_file():
                yield path.resolve()
                return


# Of each module, what it was imported by and its text when that was first asked for.
_TEXTS: dict[Path, tuple[Any, str]] = {}


def _text_in_memory(module: str, path: Path) -> str:
    """The text of a file; where it has been imported, as it was then."""
    loaded = next(
        (m for m in (sys.modules.get(module), sys.modules.get("__main__")) if _is_at(m, path)), None
    )
    # A module that is imported anew has another specification; a script has none.
    imported = getattr(loaded, "__spec__", None) or loaded
    known = _TEXTS.get(path)
    if imported is not None and known is not None and known[0] is imported:
        return known[1]
    try:
        text = path.read_text(encoding="utf-8")
        ast.parse(text)
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        raise SpikelearnError(f"the code in {path} cannot be read: {error}") from error
    if loaded is not None:
        loader = getattr(imported, "loader", getattr(imported, "__loader__", None))
        if type(loader) is importlib.machinery.SourceFileLoader:
            refuse_changed(loaded, text, path)
        _TEXTS[path] = imported, text
    return text


def _is_at(module: Any, path: Path) -> bool:
    name = getattr(module, "__file__", None)
    return name is not None and Path(name).resolve() == path


def _interactive(thing: Any, ours: tuple[Path, ...]) -> dict[str, str]:
    """Digests of what was defined in a notebook or a session, by the names that it uses."""
    found: dict[str, str] = {}
    waiting: list[Any] = [thing]
    seen: set[int] = set()
    closure = _Closure(ours)
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        path = _file_of(one) if hasattr(one, "__module__") else None
        if isinstance(one, types.ModuleType):
            path = _file_of(one)
        if path is not None:
            if closure._counts(path):
                closure.add(path)
            continue
        if not hasattr(one, "__qualname__"):
            continue  # a module that is no file, such as one in C
        if one.__module__ != thing.__module__:
            continue
        node = _definition(one)
        found[_name(one)] = _digest(node)
        names = vars(sys.modules[one.__module__])
        for used in sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & set(names)):
            value = getattr(names[used], "__wrapped__", names[used])  # of a decorated function
            if isinstance(value, type | types.FunctionType | types.ModuleType):
                waiting.append(value)
            elif not hasattr(value, "__name__"):  # no function of a library
                found[f"{one.__module__}.{used}"] = _digest_of_value(used, value)
    return found | closure.digests


def _digest_of_value(name: str, value: Any) -> str:
    from spikelearn._keys import content_key

    try:
        return content_key(value, _N_DIGITS)
    except TypeError as error:
        raise _UnreadableError(f"the value of {name} is no plain one") from error


def _definition(thing: Any) -> ast.AST:
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
    raise _UnreadableError(f"the code of {_name(thing)} cannot be read")
