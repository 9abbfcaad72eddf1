"""Sections on what an audit leaves open: contradictions, undecided findings, what was not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn.plot.names import label
from spikelearn.report.page import Section
from spikelearn.report.page_tables import as_table

if TYPE_CHECKING:
    import pandas as pd

FOLLOWS = ("follows from the equations: met", "follows from the equations: not met")


def contradictions(table: pd.DataFrame) -> Section | None:
    """What cannot be true beside a verdict that the instruments gave; None where there is none.

    Parameters
    ----------
    table : DataFrame
        Of `Audit.table`.
    """
    found = table[table["verdict"] == "contradicted"]
    if found.empty:
        return None
    n = len(found)
    lead = (
        f"{counted(n, 'finding')} would be met by the instruments, and cannot be, by what"
        " else was measured: no such finding counts as met."
    )
    columns = ["rule", "criterion", "title", "contradiction"]
    shown = found[columns].assign(rule=found["rule"].map(label))
    return Section("contradictions", "Contradictions", lead, [], [
        as_table(shown, "Findings that contradict each other", "What speaks against each."),
    ])  # fmt: skip


def unsettled(table: pd.DataFrame) -> Section | None:
    """What is undecided or cannot be told, with what would be needed; and what was not run.

    Parameters
    ----------
    table : DataFrame
        Of `Audit.table`.
    """
    parts = {
        "Undecided": (("undecided",), ["shown", "interval", "counts", "sentence"],
                      "Seeds do not agree, or the interval holds the threshold."),
        "Cannot be told": (("cannot be told",), ["sentence", "needed"],
                           "Why, and what would be needed to tell."),
        "Follows from the equations": (FOLLOWS, ["verdict", "equation"],
                                       "Nothing was run; what it follows from."),
    }  # fmt: skip
    shown, counts = [], []
    for title, (kinds, columns, caption) in parts.items():
        part = table[table["verdict"].isin(kinds)]
        if len(part):
            frame = part.assign(rule=part["rule"].map(label), interval=intervals(part))
            names = {"shown": "value", "interval": "95 % interval", "counts": "seeds"}
            frame = frame[["rule", "criterion", *columns]].rename(columns=names)
            shown.append(as_table(frame, f"{title} ({len(part)})", caption))
            counts.append(f"{title.lower()}: {len(part)}")
    if not shown:
        return None
    return Section(
        "unsettled", "Undecided, not to be told, not run",
        f"Neither met nor not met by what was measured, each with its reason; {', '.join(counts)}.",
        folded=shown,
    )  # fmt: skip


def intervals(table: pd.DataFrame) -> list[str]:
    """95 % intervals in words, with what they are drawn from."""
    return [
        f"{low:.2g} to {high:.2g} ({of})" if np.isfinite(low) else "–"
        for low, high, of in zip(
            table["lower"], table["upper"], table["interval_of"], strict=True
        )
    ]  # fmt: skip
