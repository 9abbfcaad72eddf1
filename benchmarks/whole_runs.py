"""Where a benchmark writes: a whole run to the committed tables, part of one beside them.

A run is whole where every option that decides what is measured has its default and nothing was left
out, such as an engine that is not installed. All else is part of one, or another question; what it
found goes to runs/benchmarks, and says why.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PARTIAL = ROOT / "runs" / "benchmarks"


def results_folder(
    parser: argparse.ArgumentParser,
    options: argparse.Namespace,
    indifferent: Iterable[str] = (),
    left_out: Iterable[str] = (),
) -> Path:
    """The folder for what was measured; for part of a run one beside, which is said.

    Parameters
    ----------
    parser : ArgumentParser
        That knows the defaults.
    options : Namespace
        What it has read.
    indifferent : iterable of str
        Options that do not decide what stands in a table, such as how many run at a time.
    left_out : iterable of str
        What a whole run has and this one has not.
    """
    given = [
        f"--{name.replace('_', '-')} {value}"
        for name, value in vars(options).items()
        if name not in set(indifferent) and value != parser.get_default(name)
    ]
    why = given + [f"without {name}" for name in left_out]
    if not why:
        return RESULTS
    PARTIAL.mkdir(parents=True, exist_ok=True)
    where = PARTIAL.relative_to(ROOT)
    print(f"No whole run ({', '.join(why)}): written to {where}", file=sys.stderr)
    return PARTIAL
