"""Commands that read and convert files of spikes, ours and those of other programs."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli._app import NoSeed, app, plainly
from spikelearn.cli._output import give
from spikelearn.cli._reading import SPIKES, Given, read_spikes, reading
from spikelearn.cli._tables import write_table
from spikelearn.cli._viewing import (
    BY_POPULATION,
    Bin,
    By,
    CurveFiles,
    PsthFiles,
    RasterFiles,
    Sigma,
    Start,
    StatisticsFiles,
    Stop,
    View,
    check_files,
    each_on_its_own,
    write_spikes,
)


@app.command()
@plainly
@reading
def stats(
    source: Annotated[Path, typer.Argument(help=SPIKES)],
    raster: RasterFiles = None,
    psth: PsthFiles = None,
    figure: StatisticsFiles = None,
    curve: CurveFiles = None,
    out: Annotated[Path | None, typer.Option(help="File for the table: .csv or .parquet.")] = None,
    trial: Annotated[int, typer.Option(min=0, help="Trial of the raster plot.")] = 0,
    bin_ms: Bin = None,
    sigma: Sigma = 0.0,
    start: Start = 0.0,
    stop: Stop = None,
    by: By = BY_POPULATION,
    given: Given = None,
    seed: NoSeed = 0,
) -> None:
    """Spike-train statistics of a file of spikes, and pictures of them.

    isi_cv is the median over neurons with 20 interspike intervals in a trial, for of few it reads
    low; cv2, from interval to interval, is 1 for a Poisson process of however few. The Fano factor
    is taken over the trials of each stimulus, n_repeats in all. The correlation is the mean over
    n_pairs pairs of neurons of their counts in bins; the synchrony is the Fano factor of the whole
    population's count (1 for independent Poisson neurons), which the transient at the start of a
    simulation raises: --start leaves it out.

    Where labels of stimuli are a value with its unit, as "150 pA", the rate at each is printed too:
    the f-I curve, of which --curve is a picture.

    Example: spikelearn stats spikes.nwb --start 200 --psth rates.png --bin 2 --out stats.csv
    Example: spikelearn stats spikes.nwb --by stimulus --start 200 --json
    """
    from spikelearn.spikes.summary_by import check_by, rate_curve

    check_files(None, raster, psth, figure, curve, table=out)
    check_by(by)
    activity = read_spikes(source, given)
    if raster and trial >= activity.n_trials:
        raise SpikelearnError(f"there is no trial {trial}; trials are 0 to {activity.n_trials - 1}")
    view = View(bin_ms, sigma, start, stop)
    view.check(activity.duration_ms)
    if curve:
        rate_curve(activity, start, stop)  # or why there is none, before anything is written
    give("source", source)
    table = view.summarise(activity, source.name, by)
    view.print_curve(activity)
    tables = [functools.partial(write_table, table, out)] if out is not None else []
    each_on_its_own([*view.drawing(activity, raster, psth, figure, trial, curve), *tables])


@app.command()
@plainly
@reading
def export(
    source: Annotated[Path, typer.Argument(help=SPIKES)],
    target: Annotated[Path, typer.Argument(help="The same in another format.")],
    given: Given = None,
    seed: NoSeed = 0,
) -> None:
    """Convert spike trains from one file format to another.

    Example: spikelearn export spikes.nwb spikes.csv
    """
    from spikelearn.spikes import check_path

    check_path(target)
    activity = read_spikes(source, given)
    write_spikes(activity, target)
