"""What the benchmarks have measured, as their tables in benchmarks/results tell it."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
Row = dict[str, str]


@cache
def tables(path: Path) -> tuple[tuple[Row, ...], ...]:
    """The tables of a Markdown file, each as its rows by the names of the columns."""
    found: list[list[Row]] = []
    heads: list[str] | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            heads = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if heads is None:
            heads = cells
            found.append([])
        elif not all(set(cell) <= set("-: ") for cell in cells):
            found[-1].append(dict(zip(heads, cells, strict=True)))
    return tuple(tuple(rows) for rows in found)


@cache
def accuracies() -> tuple[tuple[str, str, Row], ...]:
    """Rule, recipe and row of every accuracy that was measured."""
    found = []
    for path in sorted(RESULTS.glob("accuracy_*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rules = {row["recipe"].rpartition("/")[2]: row for row in csv.DictReader(file)}
        (rows, *_) = tables(path.with_suffix(".md"))
        for row in rows:
            one = rules[row["rule"]]
            found.append((one["rule"], one["recipe"], row))
    return tuple(found)


@cache
def criteria() -> tuple[Row, ...]:
    """Every finding of the audit."""
    with (RESULTS / "audit.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def costs() -> tuple[tuple[str, Row], ...]:
    """Network and row of every measured cost of an update."""
    found = []
    for path in sorted(RESULTS.glob("rule_cost_*.md")):
        network = path.stem.removeprefix("rule_cost_")
        found += [(network, row) for row in tables(path)[0]]
    return tuple(found)
