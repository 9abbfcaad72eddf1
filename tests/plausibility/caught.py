"""What the audit answers to every planted cheat.

    python tests/plausibility/caught.py

counts the answers by kind of cheat, and writes them to spikelearn/plausibility/cheats_caught.csv,
from which the page of an audit has them.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cheats import CHEATS, KINDS, Cheat

from spikelearn.plausibility import audit_rule
from spikelearn.plausibility.criterion import Finding

TABLE = Path(__file__).parents[2] / "spikelearn/plausibility/cheats_caught.csv"
# Worst first: a cheat is counted once, by the worst of its answers.
ANSWERS = ("acquitted", "cannot_be_told", "contradicted", "caught")


@contextmanager
def audit_as_it_was() -> Iterator[None]:
    """Whatever a cheat does to the audit's modules is undone afterwards."""
    modules = [m for name, m in sys.modules.items() if name.startswith("spikelearn.plausibility")]
    before = [(module, dict(vars(module))) for module in modules]
    try:
        yield
    finally:
        for module, names in before:
            vars(module).update(names)


def findings(cheat: Cheat, criteria: list[str]) -> dict[str, Finding]:
    """What the audit finds of a cheat, by criterion."""
    with audit_as_it_was():
        audit = audit_rule(cheat.rule, criteria=criteria)
    return {key: finding for _, key, finding, _ in audit.findings}


def answer(finding: Finding) -> str:
    """One of `ANSWERS`."""
    if finding.met is False or finding.verdict == "disagree":
        return "caught"
    if finding.verdict == "contradicted":
        return "contradicted"
    if finding.verdict in ("cannot be told", "undecided"):
        return "cannot_be_told"
    return "acquitted"


def worst(cheat: Cheat) -> str:
    """The worst answer to a cheat over all that it is asked of."""
    given = {answer(finding) for finding in findings(cheat, list(cheat.true)).values()}
    return min(given, key=ANSWERS.index)


def counted() -> str:
    """The table, as it is written."""
    answers = {name: worst(cheat) for name, cheat in CHEATS.items()}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["kind", "what", "cheats", *reversed(ANSWERS), "why"])
    for name, kind in KINDS.items():
        of_kind = [answers[n] for n, cheat in CHEATS.items() if cheat.kind == name]
        counts = [of_kind.count(a) for a in reversed(ANSWERS)]
        writer.writerow([name, kind.what, len(of_kind), *counts, kind.beyond])
    return text.getvalue()


if __name__ == "__main__":
    TABLE.write_text(counted(), encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))
