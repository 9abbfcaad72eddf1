"""Options of commands that read spikes, for files that other programs wrote."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from spikelearn.cli._output import note

if TYPE_CHECKING:
    from spikelearn.spikes import Activity

Command = TypeVar("Command", bound=Callable[..., Any])

SPIKES = "Spikes in .nwb, .nix, .h5, .npz, .mat or .csv; of another program also in .txt, .tsv," \
    " .dat, .gdf or .npy."  # fmt: skip

# What may be said of another's file (`spikelearn.spikes.of_others.Given`), by what it is there.
_OPTIONS: dict[str, Any] = {
    "duration_ms": Annotated[
        float | None,
        typer.Option("--duration", help="Of another's file: how long a trial lasts, in ms."),
    ],
    "unit": Annotated[
        str | None,
        typer.Option("--unit", help="Of another's file that does not say it: ms, s or us."),
    ],
    "neurons": Annotated[
        str | None,
        typer.Option(
            "--neurons",
            help="Of another's file: how many neurons there are, silent ones among them, as in 100"
            " or E=80,I=20.",
        ),
    ],
    "times": Annotated[
        str | None,
        typer.Option(
            "--times", help="Of a table or archive: the column of times, by its name or number."
        ),
    ],
    "ids": Annotated[
        str | None,
        typer.Option("--ids", help="Of a table or archive: that of the neurons, one a spike."),
    ],
    "trials": Annotated[
        str | None,
        typer.Option(
            "--trials",
            help="Of an .nwb file: the table of intervals that are trials. Of a table or archive:"
            " its column of the trial of each spike; of a table of cells: rows or columns.",
        ),
    ],
    "onset": Annotated[
        str | None,
        typer.Option("--onset", help="Column of that table in which trials begin; start_time."),
    ],
    "label": Annotated[
        str | None,
        typer.Option("--label", help="Column of that table that says what was shown."),
    ],
    "populations": Annotated[
        str | None,
        typer.Option(
            "--populations",
            help="What names the populations: of an .nwb file a column of the units, or electrodes"
            " for where these are; of a .nix file an annotation; of a table or archive a column.",
        ),
    ],
    "block": Annotated[
        str | None,
        typer.Option("--block", help="Of a .nix file: name or number of the block that is read."),
    ],
    "segment": Annotated[
        str | None,
        typer.Option(
            "--segment",
            help="Of a .nix file: name or number of the one segment that is read; all are, as"
            " trials, if not given.",
        ),
    ],
}  # fmt: skip


# What a command that is decorated with `reading` gets of these: those that were given, by name.
Given = dict[str, Any] | None


def reading(command: Command) -> Command:
    """Give a command the options that say something of another's file, as its argument `given`."""
    own = inspect.signature(command, eval_str=True)
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]
    before = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own.parameters.values()]
    place = [p.name for p in before].index("given")

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> Any:
        said = {name: arguments.pop(name) for name in _OPTIONS}
        given = {name: value for name, value in said.items() if value is not None}
        return command(**arguments, given=given)

    signature = own.replace(parameters=[*before[:place], *options, *before[place + 1 :]])
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return wrapped  # type: ignore[return-value]


def read_spikes(path: Path, given: Given = None) -> Activity:
    """The spikes of a file; what was taken or left out of another's is said, a line each."""
    from spikelearn.spikes import load
    from spikelearn.spikes.of_others import ReadWarning

    def show(message: Any, *args: Any, **kwargs: Any) -> None:
        note(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", ReadWarning)
        warnings.showwarning = show
        return load(path, **(given or {}))
