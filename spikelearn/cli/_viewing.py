"""What commands print, draw and write of spikes, and the options that say how."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikelearn._atomic import placed_files
from spikelearn._errors import SpikelearnError
from spikelearn._interrupts import keeping
from spikelearn.cli._app import say
from spikelearn.cli._tables import check_table_path, print_table

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.spikes import Activity

# Of work that is told before it begins, in seconds.
_LONG_S = 10.0

RasterFiles = Annotated[
    list[Path] | None,
    typer.Option(help="File for a raster plot: .png, .svg or .pdf. May be repeated."),
]
PsthFiles = Annotated[
    list[Path] | None,
    typer.Option(
        help="File for a picture of the populations' rates: .png, .svg or .pdf. May be repeated."
    ),
]
Bin = Annotated[
    float | None,
    typer.Option(
        "--bin",
        help="Width in ms of the bins in which spikes are counted: 1 for rates, 5 for correlation"
        " and synchrony if not given.",
    ),
]
Sigma = Annotated[
    float,
    typer.Option("--sigma", help="Standard deviation in ms of a Gaussian that smooths the rates."),
]
Start = Annotated[
    float,
    typer.Option("--start", help="Time in ms from which statistics and pictures count spikes."),
]
Stop = Annotated[
    float | None,
    typer.Option("--stop", help="Time in ms up to which they do; the trial's end if not given."),
]
StatisticsFiles = Annotated[
    list[Path] | None,
    typer.Option(
        help="File for histograms of rates, intervals and correlations: .png, .svg or .pdf. May be"
        " repeated."
    ),
]


def check_files(
    spikes: list[Path] | None, *pictures: list[Path] | None, table: Path | None = None
) -> None:
    """Refuse files that nothing can be written to, before long work is done for it.

    Parameters
    ----------
    spikes : list of Path or None
        Files for spikes.
    *pictures : list of Path or None
        Files for pictures.
    table : Path, optional
        File for a table.
    """
    from spikelearn.report.pictures import check_plot_path
    from spikelearn.spikes import check_path

    for path in spikes or []:
        check_path(path)
    drawn = [path for kind in pictures for path in kind or []]
    for path in drawn:
        check_plot_path(path)
    if table is not None:
        check_table_path(table)
    named = [*(spikes or []), *drawn, *([table] if table is not None else [])]
    for path in named:
        if named.count(path) > 1:
            raise SpikelearnError(f"{path} is named {named.count(path)} times; give each its file")


def each_on_its_own(writers: Iterable[Callable[[], None]]) -> None:
    """Write every output; one that cannot be written takes no other with it.

    Raises
    ------
    SpikelearnError
        Naming what could not be written, when the others are.
    """
    failed = []
    n_written = 0

    def kept() -> str:
        # The last may have its name, and whoever wrote it not have come back.
        n = max(n_written, len(placed()))
        return f"Outputs that are written whole: {n}." if n else ""

    with placed_files() as placed, keeping(kept):
        for write in writers:
            try:
                write()
                n_written += 1
            except (SpikelearnError, OSError) as error:
                failed.append(str(error))
    if failed:
        raise SpikelearnError("; ".join(failed))


def write_spikes(activity: Activity, path: Path) -> None:
    """Write a file of spikes; where that takes long, say so before."""
    from spikelearn.spikes.files import seconds_to_write

    seconds = seconds_to_write(activity, path)
    if seconds > _LONG_S:
        say(f"Writing {path} takes about {seconds:.0f} s; .h5 and .npz are written at once.")
    print(f"Spikes: {activity.save(path)}")


@dataclass(frozen=True)
class View:
    """How spikes are counted for a table and for pictures, and in which part of the trial."""

    bin_ms: float | None
    sigma_ms: float
    start_ms: float
    stop_ms: float | None

    def check(self, duration_ms: float) -> None:
        """Refuse what cannot be, before long work is done for it."""
        if self.bin_ms is not None and not 0 < self.bin_ms < math.inf:
            raise SpikelearnError(f"a bin must be above 0 ms, found {self.bin_ms:g} ms")
        if not 0 <= self.sigma_ms < math.inf:
            raise SpikelearnError(f"--sigma must be at least 0 ms, found {self.sigma_ms:g} ms")
        stop_ms = duration_ms if self.stop_ms is None else self.stop_ms
        if not 0 <= self.start_ms < stop_ms <= duration_ms * (1 + 1e-9):
            raise SpikelearnError(
                f"--start and --stop must lie within the trial, 0 to {duration_ms:g} ms, and"
                f" --start before --stop, found {self.start_ms:g} and {stop_ms:g} ms"
            )

    def within(self, duration_ms: float) -> View:
        """The same, of trials that ended earlier than they should have."""
        if self.start_ms >= duration_ms:
            say(f"All {duration_ms:g} ms are shown, which do not reach --start {self.start_ms:g}.")
            return replace(self, start_ms=0.0, stop_ms=None)
        return replace(self, stop_ms=None) if (self.stop_ms or 0) > duration_ms else self

    def summarise(self, activity: Activity, title: str) -> pd.DataFrame:
        """Print the statistics, what they rest on, and return them."""
        from spikelearn.spikes import remarks, summary

        part = activity.between(self.start_ms, self.stop_ms)
        bin_ms = 5.0 if self.bin_ms is None else self.bin_ms
        table = summary(part, bin_ms)
        title += f", {activity.n_trials} trial(s) of {activity.duration_ms:g} ms"
        if part is not activity:
            title += f", from {self.start_ms:g} to {self.start_ms + part.duration_ms:g} ms"
        rests_on = ["n_spikes", "n_intervals", "n_repeats", "n_pairs"]
        print_table(table.drop(columns=rests_on), title)
        print_table(table[["population", *rests_on]], "which rests on")
        for sentence in remarks(part, table, bin_ms):
            say(f"Note: {sentence}")
        return table

    def drawing(
        self,
        activity: Activity,
        rasters: list[Path] | None,
        psths: list[Path] | None,
        statistics: list[Path] | None,
        trial: int = 0,
    ) -> list[Callable[[], None]]:
        """What draws each of the pictures whose files are named."""

        def raster(file: Path) -> None:
            from spikelearn.report.raster import plot_raster

            print(f"Raster: {plot_raster(activity, file, trial, *part)}")

        def psth(file: Path) -> None:
            from spikelearn.report.psth import plot_psth

            bin_ms = 1.0 if self.bin_ms is None else self.bin_ms
            print(f"Rates: {plot_psth(activity, file, bin_ms, self.sigma_ms, *part)}")

        def histograms(file: Path) -> None:
            from spikelearn.report.statistics import plot_statistics

            bin_ms = 5.0 if self.bin_ms is None else self.bin_ms
            print(f"Statistics: {plot_statistics(activity, file, bin_ms, *part)}")

        part = (self.start_ms, self.stop_ms)
        named = ((raster, rasters), (psth, psths), (histograms, statistics))
        return [functools.partial(draw, file) for draw, files in named for file in files or []]
