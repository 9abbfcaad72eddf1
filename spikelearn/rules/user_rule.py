"""A rule that a user has written, by its place: its file and the name of its class.

`path/my_rule.py:MyRule` is a name of a rule like any other. The file is imported as Python imports
it, under its own name, so that it finds its neighbours, and whoever looks for its module finds it.
Where files of two folders bear one name, each finds the neighbours in its own folder. A file that
was edited is imported anew when its rule is asked for.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._atomic import WriteError
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import cache_folder, write_text
from spikelearn._imported_files import (
    ImportedFiles,
    add_to_path,
    dotted,
    is_added,
    is_at,
    is_installed,
    is_toolkits,
    name_beside,
    path_of,
    root_of,
)
from spikelearn._keys import text_key
from spikelearn._raised import raised
from spikelearn._session_code import UnwritableError, module_text

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule


def is_place(name: str) -> bool:
    """Whether a name is that of a file and a class in it, such as `my_rule.py:MyRule`."""
    return name.rpartition(":")[0].endswith(".py")


def absolute_place(place: str, folder: Path | None = None) -> str:
    """The place with the whole path of its file.

    Parameters
    ----------
    place : str
    folder : Path, optional
        From which a path is told; the working folder, if absent.
    """
    path, _, name = place.rpartition(":")
    return f"{Path(folder or '', path).expanduser().resolve()}:{name}"


def place_name(place: str) -> str:
    """The place without folders, but for those of the package that the file is in."""
    path, _, name = place.rpartition(":")
    file = Path(path).resolve()
    return f"{file.relative_to(root_of(file)).as_posix()}:{name}"


def rule_from_file(place: str) -> type[Rule]:
    """The class of a user's rule, from a Python file: `my_rule.py:MyRule`. The file is run.

    Raises
    ------
    SpikelearnError
        If there is no such file or class, or the file fails.
    """
    from spikelearn.rules.rule import Rule

    path, _, name = place.rpartition(":")
    given = _GIVEN.get(absolute_place(place))
    if given is not None and (is_in_session(place) or _is_found(given)):
        return given
    if not path or not Path(path).is_file():
        raise SpikelearnError(
            f"there is no Python file {path or name}; a rule is named my_rule.py:MyRule"
        )
    module = _module_at(Path(path).resolve())
    rule = _within(module, name)
    if not (isinstance(rule, type) and issubclass(rule, Rule)):
        there = [
            n for n, v in vars(module).items()
            if isinstance(v, type) and issubclass(v, Rule) and v.__module__ == module.__name__
        ]  # fmt: skip
        raise SpikelearnError(
            f"{path} has no class {name} derived from spikelearn.rules.rule.Rule;"
            f" {nearest(name, there)}"
        )
    _USED.add(absolute_place(place))
    return rule


def _within(module: Any, name: str) -> Any:
    """What a module has by a name, which may lead through classes; None where there is nothing."""
    return functools.reduce(lambda owner, part: getattr(owner, part, None), name.split("."), module)


def from_file(place: str, hint: str) -> Any:
    """What a Python file has by a name, such as `my_measures.py:peak_hz`. The file is run.

    Parameters
    ----------
    place : str
    hint : str
        What a right place looks like, for the messages.

    Raises
    ------
    SpikelearnError
        If there is no such file or name, or the file fails.
    """
    path, colon, name = place.rpartition(":")
    if not name or (not colon and Path(name).is_file()):
        raise SpikelearnError(f"'{place}' does not say what is meant of the file; {hint}")
    if not path or not Path(path).is_file():
        raise SpikelearnError(f"there is no Python file {path or name}; {hint}")
    module = _module_at(Path(path).resolve())
    found = _within(module, name)
    if found is None:
        own = [n for n, v in vars(module).items()
               if getattr(v, "__module__", None) == module.__name__]  # fmt: skip
        raise SpikelearnError(f"{path} has nothing called {name}; {nearest(name, own)}")
    return found


# Classes that were given in Python, by their places; what was asked for by its place.
_GIVEN: dict[str, Any] = {}
_USED: set[str] = set()


def place_of(rule: Any) -> str:
    """The place of a class that was given in Python, by which it is found from now on.

    Raises
    ------
    SpikelearnError
        If it is no class of a rule.
    """
    from spikelearn.rules.rule import Rule

    if not (isinstance(rule, type) and issubclass(rule, Rule)):
        raise SpikelearnError(
            "a rule is the name of one, or a class derived from spikelearn.rules.rule.Rule; found"
            f" {rule!r:.80}"
        )
    file = getattr(sys.modules.get(rule.__module__), "__file__", None)
    if file is None or rule.__module__ == "__main__" or not _is_found(rule):
        place = _place_in_session(rule, Path(file).name if file else "notebook.py")
    else:
        place = f"{Path(file).resolve()}:{rule.__qualname__}"
    _GIVEN[place] = rule
    return place


def _is_found(rule: type) -> bool:
    """Whether a class is what its module has by its name: not one that was made anew since."""
    return _within(sys.modules.get(rule.__module__), rule.__qualname__) is rule


def _place_in_session(rule: type, file: str) -> str:
    """The place of a class that is in no module; a file is written there, if it can be.

    By it other processes find the class; this one has it in memory.

    Parameters
    ----------
    rule : type
    file : str
        What the file is called.
    """
    try:
        text = module_text(rule)
    except UnwritableError:
        text = ""
    folder = text_key(text, 16) if text else f"in-memory-{id(rule):x}"
    path = _written_rules().resolve() / folder / file
    with contextlib.suppress(OSError, WriteError):
        if text and not path.is_file():
            write_text(path, text)
    return f"{path}:{rule.__qualname__.rpartition('<locals>.')[2]}"


def _written_rules() -> Path:
    return cache_folder() / "rules"


def is_in_session(place: str) -> bool:
    """Whether a place is one of a class that was defined in a notebook or a script."""
    return _written_rules().resolve() in Path(place).parents


def used_places() -> list[str]:
    """The places of users' rules that this process has asked for."""
    return sorted({*_USED, *_GIVEN})


@dataclass(frozen=True)
class _Loaded:
    """A module that was imported here, with all files that it is made of as they were."""

    module: types.ModuleType
    texts: dict[Path, str]

    @property
    def is_as_today(self) -> bool:
        return all(_text(path) == text for path, text in self.texts.items())


_LOADED: dict[Path, _Loaded] = {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _module_at(path: Path) -> types.ModuleType:
    """The module of a file: as it was imported already, or now."""
    loaded = _LOADED.get(path)
    if loaded is not None and loaded.is_as_today:
        return loaded.module
    root = root_of(path)
    name = dotted(path, root)
    if loaded is None:
        for known in (sys.modules.get(name), sys.modules.get("__main__")):
            if known is not None and is_at(known, path):
                return known
    else:
        for one in list(sys.modules):
            if any(is_at(sys.modules[one], file) for file in loaded.texts):
                del sys.modules[one]
    with _alone(root, name) as (shared, others):
        try:
            module = _imported(path, root, name)
        except SpikelearnError:
            raise
        except (Exception, SystemExit) as error:  # whatever the user's file does wrong
            raise SpikelearnError(f"{path} fails: {raised(error)}") from error
        files = ImportedFiles(())
        files.add(path)
        texts = {(root / place).resolve(): text for f in files.found.values() for place, text in f}
        _refuse_late_imports(texts, shared, others, path)
    _LOADED[path] = _Loaded(module, texts)
    return module


def _imported(path: Path, root: Path, name: str) -> types.ModuleType:
    """Import a file; one that is called as a library is, `random.py`, under another name.

    Parameters
    ----------
    path : Path
    root : Path
        The folder that it is imported from.
    name : str
        Of the module.
    """
    if path.parent != root:
        return importlib.import_module(name)
    installed = [place for place in sys.path if is_installed(Path(place, "x").resolve())]
    if name in sys.stdlib_module_names or PathFinder.find_spec(name, installed) is not None:
        name = name_beside(name, root)
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SpikelearnError(f"{path} is no file of Python")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextlib.contextmanager
def _alone(root: Path, name: str) -> Iterator[tuple[set[str], set[str]]]:
    """Import as from a folder: first of all from there, whatever other folders' modules are called.

    Yields the names that modules of other folders bear too, and those that they alone bear. Those
    modules have them back at the end, and this folder's have others.

    Parameters
    ----------
    root : Path
        The folder.
    name : str
        Of the module that is to be imported.
    """
    here = {p.stem if p.suffix == ".py" else p.name for p in root.iterdir()} | {_top(name)}
    shared = {top for top in here if top in sys.modules and _is_of_another(sys.modules[top], root)}
    # In a process of its own it would not find those, either.
    others = {
        top for top in {*map(_top, sys.modules)} - here
        if top in sys.modules and is_added(sys.modules[top], root)
    }  # fmt: skip
    tops = shared | others
    aside = {one: module for one, module in list(sys.modules.items()) if _top(one) in tops}
    for one in aside:
        del sys.modules[one]
    before, sys.path[:] = list(sys.path), path_of(root)
    inside = list(sys.path)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # it is known by seconds alone
    importlib.invalidate_caches()
    try:
        yield shared, others
    finally:
        sys.dont_write_bytecode = writes
        # What the files themselves have added stays.
        sys.path[:] = [place for place in sys.path if place not in inside] + before
        add_to_path(root)  # for what is imported where it is used
        for one in [n for n in sys.modules if _top(n) in tops]:
            _rename(sys.modules.pop(one), name_beside(one, root))
        sys.modules.update(aside)


def _top(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def _is_of_another(module: types.ModuleType, root: Path) -> bool:
    """Whether a module is of another folder of the user's."""
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), None)
    if file is None:
        return False
    path = Path(file).resolve()
    return not (root in path.parents or is_installed(path) or is_toolkits(path))


def _rename(module: types.ModuleType, name: str) -> None:
    """Give a module another name, by which it is found, and what it defines."""
    waiting: list[Any] = [v for v in vars(module).values()]
    before = module.__name__
    while waiting:
        one = waiting.pop()
        if isinstance(one, type | types.FunctionType) and one.__module__ == before:
            one.__module__ = name
            waiting += vars(one).values() if isinstance(one, type) else ()
    module.__name__ = name
    sys.modules[name] = module


def _refuse_late_imports(
    texts: dict[Path, str], shared: set[str], others: set[str], path: Path
) -> None:
    """Refuse imports in functions where they would find another folder's module.

    Parameters
    ----------
    texts : mapping of Path to str
        The files.
    shared, others : set of str
        Names that another folder's modules bear too, or alone.
    path : Path
        Of the rule.

    Raises
    ------
    SpikelearnError
    """
    for file, text in texts.items() if shared or others else ():
        for line, name in _late_imports(text):
            top = _top(name)
            if top in shared | others or (not name and shared):
                named = top or " and ".join(sorted(shared))
                raise SpikelearnError(
                    f"{path} cannot be used beside another folder's {named}: {file.name}, line"
                    f" {line}, imports within a function, where it would find that folder's; import"
                    " it at the top of the file"
                )


def _late_imports(text: str) -> Iterator[tuple[int, str]]:
    """Lines of imports within functions, and what is imported; nothing for one that is relative."""
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.lineno, "" if node.level else node.module or ""
