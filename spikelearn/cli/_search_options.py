"""Options of a sweep that searches, and how what it has found is printed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn.cli._output import give, note, print_line
from spikelearn.cli._tables import print_table

if TYPE_CHECKING:
    from spikelearn.sweeps.search import Search
    from spikelearn.sweeps.search_result import SearchResult

SearchBy = Annotated[
    str | None,
    typer.Option(
        "--search",
        metavar="SAMPLER",
        help="Look for the best values in place of trying all: tpe or random. Axes may be ranges"
        " as 1e-4:1e-1:log, 0.1:0.5 or 'integers(16, 256)'.",
    ),
]
NumberOfTrials = Annotated[
    int | None, typer.Option("--trials", min=1, help="Trials of --search; 60, if left out.")
]
Maximise = Annotated[
    str | None,
    typer.Option(
        metavar="MEASURE",
        help="What --search looks for: a measure, or of one population rate_hz[excitatory].",
    ),
]
Minimise = Annotated[
    str | None, typer.Option(metavar="MEASURE", help="The same, to be as low as can be.")
]
Batch = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Trials that --search chooses at once, and workers may compute side by side; 4, if"
        " left out. Another number is another search.",
    ),
]
_BEST_ROWS = 10


def chosen_search(
    sampler: str | None,
    trials: int | None,
    maximise: str | None,
    minimise: str | None,
    batch: int | None,
) -> Search | None:
    """The search that these options ask for; None where they ask for none."""
    given = {"trials": trials, "maximise": maximise, "minimise": minimise, "batch": batch}
    told: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if sampler is None:
        if told:
            raise SpikelearnError(f"--{next(iter(told))} is of a search; give --search tpe with it")
        return None
    if maximise is None and minimise is None:
        raise SpikelearnError("a search needs --maximise or --minimise, with a measure's name")
    from spikelearn._files import validate
    from spikelearn.sweeps.search import Search, absolute_search

    return validate(Search, absolute_search({"sampler": sampler, **told}, Path()), "--search")


def print_notes(notes: Mapping[str, int]) -> None:
    """What runs warned of, and in how many."""
    for sentence, n in notes.items():
        note(sentence + (f" (in {n} runs)" if n > 1 else ""))


def print_search(result: SearchResult) -> None:
    """The best trials, and where the best of all stands as a file."""
    from spikelearn.sweeps.search_result import BEST

    print_notes(result.notes)
    known = result.history[result.history[result.sought].notna()].drop(columns="best")
    if not len(known):
        return
    first = known.sort_values(result.sought, ascending=not result.is_maximum, kind="stable")
    title = f"{result.sweep.name}: the best of {counted(len(known), 'trial')}"
    print_table(first.head(_BEST_ROWS), title, "trials", first)
    if result.importances:
        named = sorted(result.importances.items(), key=lambda one: -one[1])
        give("importances", dict(named))
        print_line("Importance: " + ", ".join(f"{name} {value:.2f}" for name, value in named))
    runs = "train --recipe" if result.sweep.train is not None else "sweep run"
    give("best", result.folder / BEST)
    print_line(f"Best: spikelearn {runs} {shlex.quote(str(result.folder / BEST))}")
