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
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._interrupts import keeping
from spikelearn.cli import _completions as completions
from spikelearn.cli._output import give, in_document, note, say, wrote
from spikelearn.cli._tables import check_table_path, print_table

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.spikes import Activity

BY_POPULATION = "population"
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
CurveFiles = Annotated[
    list[Path] | None,
    typer.Option(
        help="File for a picture of the rate at each value, where stimuli differ in one: .png, .svg"
        " or .pdf. May be repeated."
    ),
]
By = Annotated[
    str,
    typer.Option(
        "--by",
        help="A row for each population, stimulus or trial.",
        autocompletion=completions.of(lambda: ("population", "stimulus", "trial")),
    ),
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
    wrote("Spikes", activity.save(path))


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

    def summarise(self, activity: Activity, title: str, by: str = BY_POPULATION) -> pd.DataFrame:
        """Print the statistics, what they rest on, and return them.

        Parameters
        ----------
        activity : Activity
        title : str
        by : str
            "population", or "stimulus" or "trial" for rows of each.
        """
        from spikelearn.spikes import remarks, summary
        from spikelearn.spikes.summary_by import summary_by

        part = activity.between(self.start_ms, self.stop_ms)
        bin_ms = 5.0 if self.bin_ms is None else self.bin_ms
        table = summary_by(part, by, bin_ms)
        title += f", {counted(activity.n_trials, 'trial')} of {activity.duration_ms:g} ms"
        if part is not activity:
            title += f", from {self.start_ms:g} to {self.start_ms + part.duration_ms:g} ms"
        rests_on = ["n_spikes", "n_intervals", "n_repeats", "n_pairs"]
        rows = [name for name in ("trial", "stimulus", "population") if name in table]
        give("duration_ms", activity.duration_ms)
        give("n_trials", activity.n_trials)
        shown = table.drop(columns=rests_on)
        if by != BY_POPULATION:  # there are more columns, of which some are of several trials
            shown = shown.dropna(axis="columns", how="all")
        print_table(shown, title, "statistics", table)
        if not in_document():
            print_table(table[[*rows, *rests_on]], "which rests on")
        whole = table if by == BY_POPULATION else summary(part, bin_ms)
        for sentence in remarks(part, whole, bin_ms):
            note(sentence)
        return table

    def print_curve(self, activity: Activity) -> None:
        """Print the rate at each value of what the trials differ in, where that is one value."""
        from spikelearn.spikes.summary_by import ladder, rate_curve

        if ladder(activity) is None:
            return
        table = rate_curve(activity, self.start_ms, self.stop_ms)
        unit = table["unit"].iloc[0]
        shown = table.drop(columns=["unit", *(["sd_hz"] if table["sd_hz"].isna().all() else [])])
        if table["population"].nunique() == 1:
            shown = shown.drop(columns="population")
        whole = [int(value) for value in table["value"] if value == int(value)]
        if len(whole) == len(table):
            shown["value"] = whole
        print_table(
            shown.rename(columns={"value": unit}), f"rate by stimulus ({unit})", "rates", table
        )

    def drawing(
        self,
        activity: Activity,
        rasters: list[Path] | None,
        psths: list[Path] | None,
        statistics: list[Path] | None,
        trial: int = 0,
        curves: list[Path] | None = None,
        potentials: list[Path] | None = None,
    ) -> list[Callable[[], None]]:
        """What draws each of the pictures whose files are named."""

        def raster(file: Path) -> None:
            from spikelearn.report.raster import plot_raster

            wrote("Raster", plot_raster(activity, file, trial, *part))

        def psth(file: Path) -> None:
            from spikelearn.report.psth import plot_psth

            bin_ms = 1.0 if self.bin_ms is None else self.bin_ms
            wrote("Rates", plot_psth(activity, file, bin_ms, self.sigma_ms, *part))

        def histograms(file: Path) -> None:
            from spikelearn.report.statistics import plot_statistics

            bin_ms = 5.0 if self.bin_ms is None else self.bin_ms
            wrote("Statistics", plot_statistics(activity, file, bin_ms, *part))

        def curve(file: Path) -> None:
            from spikelearn.report.rate_curve import plot_rate_curve

            wrote("Rate by stimulus", plot_rate_curve(activity, file, *part))

        def traces(file: Path) -> None:
            from spikelearn.report.potentials import plot_potentials

            wrote("Potentials", plot_potentials(activity, file, trial, *part))

        part = (self.start_ms, self.stop_ms)
        named = (
            (raster, rasters), (psth, psths), (histograms, statistics), (curve, curves),
            (traces, potentials),
        )  # fmt: skip
        return [functools.partial(draw, file) for draw, files in named for file in files or []]
