"""Every public function of three arguments or more names them, in numpydoc's form.

    python tests/architecture/check_docstrings.py [FOLDER ...]

Names each function whose docstring lacks an argument (PR01) or has one that does not exist (PR02).
A method may leave to the method that it overrides, of a base class of the package, what that says.
Commands of the command line are left out: their arguments are explained where they are declared.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from numpydoc.docscrape import NumpyDocString

PACKAGE = Path(__file__).parents[2] / "spikelearn"
FEWEST = 3
Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(path: Path) -> Iterator[tuple[str, Function]]:
    """Public functions of a file and public methods of its public classes, with their names."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for item in node.body:
                if isinstance(item, Function) and not item.name.startswith("_"):
                    yield f"{node.name}.{item.name}", item


@cache
def classes(path: Path) -> dict[str, tuple[Path, ast.ClassDef]]:
    """Classes by the names that a file has for them: its own, and those it imports from here."""
    known: dict[str, tuple[Path, ast.ClassDef]] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            known[node.name] = path, node
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(f"{PACKAGE.name}."):
            source = PACKAGE.parent / f"{str(node.module).replace('.', '/')}.py"
            theirs = classes(source) if source.is_file() else {}
            known |= {a.asname or a.name: theirs[a.name] for a in node.names if a.name in theirs}
    return known


def overridden(path: Path, name: str) -> Iterator[Function]:
    """Methods of base classes that a method, by the name `Class.method`, overrides."""
    owner, _, method = name.partition(".")
    where, definition = classes(path).get(owner, (path, None))
    for base in (b.id for b in (definition.bases if definition else []) if isinstance(b, ast.Name)):
        if base in classes(where):
            place, above = classes(where)[base]
            yield from (n for n in above.body if isinstance(n, Function) and n.name == method)
            yield from overridden(place, f"{above.name}.{method}")


def arguments(function: Function) -> list[str]:
    """Names of the arguments that a caller gives."""
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls") and not name.startswith("_")]


def documented(function: Function) -> set[str]:
    """Names of the arguments that a docstring explains."""
    text = NumpyDocString(ast.get_docstring(function) or "")
    return {
        part.strip().lstrip("*")
        for section in ("Parameters", "Other Parameters")
        for parameter in text[section]
        for part in parameter.name.split(",")
    }


def mistakes(path: Path) -> list[str]:
    """One sentence for each public function that does not name its arguments."""
    sentences = []
    for name, function in public_functions(path):
        wanted = arguments(function)
        inherits = any(
            isinstance(d, ast.Name) and d.id == "override" for d in function.decorator_list
        )
        if len(wanted) < FEWEST or inherits:
            continue
        where = f"{path.relative_to(PACKAGE.parent)}:{function.lineno} {name}"
        named = documented(function)
        said = named.union(*(documented(method) for method in overridden(path, name)))
        missing = [argument for argument in wanted if argument not in said]
        extra = (
            named - set(wanted) - {a.arg for a in (function.args.vararg, function.args.kwarg) if a}
        )
        if missing:
            sentences.append(f"{where}: PR01 does not say what {', '.join(missing)} are")
        if extra:
            sentences.append(f"{where}: PR02 has no argument {', '.join(sorted(extra))}")
    return sentences


def main(folders: list[str]) -> int:
    """Print every mistake; 1 if there is one."""
    places = [Path(folder).resolve() for folder in folders] or [PACKAGE]
    files = [f for p in places for f in (sorted(p.rglob("*.py")) if p.is_dir() else [p])]
    sentences = [s for f in files if PACKAGE / "cli" not in f.parents for s in mistakes(f)]
    print("\n".join(sentences) or f"{len(files)} files: every public function names its arguments")
    return bool(sentences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
