"""Which files a class or function is made of: its own, and those that its file imports.

Of the same author are neighbours of the file, its package, and modules in other folders that nobody
installed. What is installed beside it (PyTorch, NumPy) is not followed; of the toolkit only the
folders that are named are.

A file is read when it is first asked for after an import, and what is in memory is what counts from
then on: a file that is edited afterwards counts when it is imported anew.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.machinery
import os
import re
import sys
import sysconfig
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spikelearn._changed_code import functions_of, refuse_changed
from spikelearn._errors import SpikelearnError


class UnreadableCodeWarning(UserWarning):
    """Code that decides a result cannot be read, so that the result cannot be told from others."""


_TOOLKIT = Path(__file__).resolve().parent
_INSTALLED = {
    Path(place).resolve()
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
    if (place := sysconfig.get_paths().get(name))
}


# Behind the name of a module, where another folder's has it (`name_beside`).
_BESIDE = re.compile(r"@[0-9a-f]{8}$")
# Folders of rules that were asked for, at the end of `sys.path`.
_ADDED: set[str] = set()


def is_installed(path: Path) -> bool:
    """Whether a file is Python's, or of a package that was installed."""
    return any(place in path.parents for place in _INSTALLED) or bool(
        {"site-packages", "dist-packages"} & set(path.parts)
    )


def is_toolkits(path: Path) -> bool:
    """Whether a file is one of the toolkit."""
    return _TOOLKIT in path.parents


def file_of(thing: Any) -> Path | None:
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


class ImportedFiles:
    """Files from one on, by the imports of each.

    Attributes
    ----------
    found : dict
        From names of modules to (place, text) of each file: its place is told from the folder from
        which the first is imported. Files in folders without a package may share a name.
    """

    def __init__(self, ours: tuple[Path, ...]) -> None:
        self.ours = ours
        self.found: dict[str, list[tuple[str, str]]] = {}
        self._start = Path()  # the folder from which the first file is imported
        self._home: Path | None = None  # the package of the first file, wherever it is installed
        self._seen: set[Path] = set()

    @property
    def texts(self) -> dict[str, str]:
        """From places of files, below the folder that each is imported from, to their texts.

        Of two files of one place it is the one that was imported first, as it is in Python.
        """
        texts: dict[str, str] = {}
        for module, files in self.found.items():
            for place, text in files:
                end = "/__init__.py" if place.endswith("__init__.py") else ".py"
                texts.setdefault(module.replace(".", "/") + end, text)
        return texts

    def add(self, path: Path) -> None:
        """Take a file, and what it imports, if it counts."""
        if path in self._seen:
            return
        self._seen.add(path)
        root = root_of(path)
        if len(self._seen) == 1:
            self._start = root
            if root != path.parent:
                self._home = root / path.relative_to(root).parts[0]
        module = dotted(path, root)
        text = _text_in_memory((module, name_beside(module, root), "__main__"), path)
        place = Path(os.path.relpath(path, self._start)).as_posix()
        self.found.setdefault(module, []).append((place, text))
        if not self._is_ours(path):  # a package of the user's is run before its modules
            for folder in path.parents:
                if folder == root:
                    break
                self.add(folder / "__init__.py")
        if not self._is_ours(path) and _TOOLKIT not in path.parents:
            _warn_of_computed_names(text, path)
        for found in _imports(text, path, root):
            if self.counts(found):
                self.add(found)

    def _is_ours(self, path: Path) -> bool:
        return any(path == place or place in path.parents for place in self.ours)

    def counts(self, path: Path) -> bool:
        """Whether a file that is imported is of the same author, or of the folders named."""
        if self._is_ours(path):
            return path.name != "__init__.py"
        if _TOOLKIT in path.parents:
            return False
        if self._home is not None and self._home in path.parents:
            return True
        return not is_installed(path)


def root_of(path: Path) -> Path:
    """The folder from which a file is imported: above its packages."""
    folder = path.parent
    while (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def dotted(path: Path, root: Path) -> str:
    """The name by which a file below `root` is imported."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def name_beside(module: str, root: Path) -> str:
    """What a module of `root` is called where another folder's module has its name already."""
    return f"{module}@{hashlib.sha256(str(root).encode()).hexdigest()[:8]}"


def own_name(module: str) -> str:
    """What a module is called where no other folder's has its name."""
    return _BESIDE.sub("", module)


def add_to_path(root: Path) -> None:
    """Have what lies in a folder of the user's be found, where nothing else has its name."""
    if str(root) not in sys.path:
        sys.path.append(str(root))
        _ADDED.add(str(root))


def is_added(module: types.ModuleType, root: Path) -> bool:
    """Whether a module lies in a folder, other than `root`, that was added for a rule's sake."""
    if not _ADDED - {str(root)}:
        return False
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), None)
    folders = {str(one) for one in Path(file).resolve().parents} if file else set()
    return bool(folders & _ADDED - {str(root)}) and str(root) not in folders


def own_path() -> list[str]:
    """`sys.path` without the folders that were added to it."""
    return [place for place in sys.path if place not in _ADDED]


def path_of(root: Path) -> list[str]:
    """Where files of a folder find what they import: not in folders that were added for others."""
    return [str(root), *own_path()]


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
            yield from _found(parts, [Path(place) for place in path_of(root)])
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


def _text_in_memory(names: tuple[str, ...], path: Path) -> str:
    """The text of a file; where it has been imported by one of the names, as it was then."""
    loaded = next((m for m in map(sys.modules.get, names) if is_at(m, path)), None)
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


def is_at(module: Any, path: Path) -> bool:
    """Whether a module was imported from that file."""
    name = getattr(module, "__file__", None)
    return name is not None and Path(name).resolve() == path
