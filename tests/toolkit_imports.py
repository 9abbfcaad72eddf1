"""What files of the toolkit import of it: whether a digest of code has forgotten any."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import spikelearn

TOOLKIT = Path(spikelearn.__file__).parent


def imported(path: Path) -> set[str]:
    """Files of the toolkit that a file imports, other than for types."""
    found, waiting = set(), list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node: Any = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spikelearn"):
            parts = str(node.module).split(".")[1:]
            for place in (parts, *([*parts, alias.name] for alias in node.names)):
                file = TOOLKIT.joinpath(*place)
                for one in (file / "__init__.py", file.with_suffix(".py")):
                    if place and one.is_file():
                        found.add(one.relative_to(TOOLKIT).as_posix())
    return found


def imported_beside(places: Iterable[str]) -> set[str]:
    """What the files at these places, some of them folders, import that lies at none of them."""
    places = tuple(places)
    files = [
        file
        for place in (TOOLKIT / one for one in places)
        for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place])
    ]
    found = {name for file in files for name in imported(file)}
    return {n for n in found if not any(n == p or n.startswith(f"{p}/") for p in places)}
