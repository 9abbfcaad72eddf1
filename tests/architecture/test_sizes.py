"""Files and functions that can be read in one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LINES, LONGEST = 450, 80
FOLDERS = ("spikelearn", "tests", "benchmarks", "docs")


def files() -> Iterator[Path]:
    """Every file of Python."""
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def lines_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How long a function is without what is said of it."""
    length = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        said = function.body[0]
        length -= (said.end_lineno or 0) - said.lineno + 1
    return length


def test_no_file_is_longer_than_one_sitting() -> None:
    lengths = {str(f): len(f.read_text(encoding="utf-8").splitlines()) for f in files()}
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{file}:{node.lineno} {node.name}"
        for file in files()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and lines_without_docstring(node) > LONGEST
    ]
    assert long == []
