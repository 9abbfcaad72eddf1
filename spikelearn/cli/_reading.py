"""Options of commands that read spikes, for files that other programs wrote."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn.cli._app import say

if TYPE_CHECKING:
    from spikelearn.spikes import Activity

Length = Annotated[
    float | None,
    typer.Option("--duration", help="Of another's file: how long a trial lasts, in ms."),
]
Unit = Annotated[
    str | None, typer.Option(help="Of another's file that does not say it: ms, s or us.")
]
Trials = Annotated[
    str | None,
    typer.Option("--trials", help="Of an .nwb file: the table of intervals that are trials."),
]
Onset = Annotated[
    str | None, typer.Option(help="Column of that table in which trials begin; start_time.")
]
Label = Annotated[str | None, typer.Option(help="Column of that table that says what was shown.")]
Populations = Annotated[
    str | None,
    typer.Option(
        "--populations",
        help="Of an .nwb file: column of the units that names their populations, or electrodes for"
        " where these are.",
    ),
]


def read_spikes(path: Path, **given: Any) -> Activity:
    """The spikes of a file; what was taken or left out of another's is said, a line each."""
    from spikelearn.spikes import load
    from spikelearn.spikes.of_others import ReadWarning

    def show(message: Any, *args: Any, **kwargs: Any) -> None:
        say(f"Note: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", ReadWarning)
        warnings.showwarning = show
        return load(path, **given)
