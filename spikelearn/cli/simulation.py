"""Commands that simulate spiking networks, and that read and write spikes and networks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli._app import (
    Backend,
    Changes,
    NoSeed,
    Seed,
    app,
    changes,
    plain_warnings,
    plainly,
    print_changes,
    say,
)
from spikelearn.cli._tables import check_table_path, print_table, write_table

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.networks.spiking import SpikingNetwork
    from spikelearn.spikes import Activity

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

Scale = Annotated[
    float | None,
    typer.Option(
        help="Share of the neurons, and of the synapses on each, that is left; rates are kept."
    ),
]
SpikeFiles = Annotated[
    list[Path] | None,
    typer.Option(
        help="File for the spikes: .nwb, .nix, .h5 (SONATA), .npz, .mat, .csv. May be repeated."
    ),
]


@app.command()
@plainly
def simulate(
    model: Annotated[
        str,
        typer.Argument(help="A shipped model, a YAML or .nir file, or a training run's folder."),
    ],
    stimulus: Annotated[
        str | None,
        typer.Option(help="A shipped stimulus or a YAML file; poisson, if the model has sources."),
    ] = None,
    backend: Backend = "auto",
    duration: Annotated[float, typer.Option(help="Duration of a trial in ms.")] = 500.0,
    dt: Annotated[
        float | None, typer.Option(help="Time step in ms; 0.1, or the trained network's own.")
    ] = None,
    scale: Scale = None,
    seed: Seed = 0,
    out: SpikeFiles = None,
    plot: RasterFiles = None,
    psth: PsthFiles = None,
    statistics: StatisticsFiles = None,
    bin_ms: Bin = None,
    sigma: Sigma = 0.0,
    start: Start = 0.0,
    stop: Stop = None,
    setting: Changes = None,
) -> None:
    """Simulate a spiking network and save its spike trains.

    Interrupted (Ctrl-C), it keeps what was simulated, says so, and ends with exit status 130. More
    than 1000 MB of spikes are kept in the folder for temporary files (TMPDIR) meanwhile; where it
    is full, the run ends likewise, with exit status 1.

    Example: spikelearn simulate brunel2000 --duration 500 --out spikes.nwb --plot raster.png
    Example: spikelearn simulate brunel2000 --set populations.excitatory.tau_m_ms=10
    """
    from spikelearn._progress import progress_bars
    from spikelearn.simulation import simulate as run
    from spikelearn.simulation import stimulus_for
    from spikelearn.simulation.simulate import time_step

    view = _View(bin_ms, sigma, start, stop)
    if duration > 0:  # the simulation itself says what else a duration must be
        view.check(duration)
    _check_files(out, plot, psth, statistics)
    of_network, of_stimulus = changes(setting, "stimulus", dt_ms=dt)
    network = spiking_network(model, seed, of_network)
    if scale is not None:
        network = network.scaled(scale)
    step = dt if dt is not None else time_step(network)
    if stimulus is None and network.sources:
        stimulus = "poisson"
    protocol = _stimulus(stimulus, of_stimulus)
    shown = None if protocol is None else stimulus_for(network, protocol, duration, step, seed)
    print_changes(of_network, of_stimulus, parts=("stimulus",))
    with progress_bars() as bar, plain_warnings():
        # Of a full disk, which is told below.
        warnings.filterwarnings("ignore", ".*takes no more spikes")
        move = bar(f"{network.name} on {backend}")
        activity = run(
            network,
            shown,
            duration,
            step,
            backend,
            seed,
            progress=lambda f: move(f, "simulating"),
            keep_partial=True,
        )
    view = view.within(activity.duration_ms)  # of an interrupted run there may be less
    view.summarise(activity, f"{network.name} on {_engine(activity)}")
    partial = activity.provenance.get("partial")
    if partial:
        why = f": {partial['reason']}" if "reason" in partial else ""
        say(
            f"Interrupted: of {partial['asked_trials']} trial(s) of"
            f" {partial['asked_duration_ms']:g} ms, this much was simulated and is kept{why}"
        )
    for path in out or []:
        print(f"Spikes: {activity.save(path)}")
    view.draw(activity, plot, psth, statistics)
    if partial:
        raise typer.Exit(1 if "reason" in partial else 130)


def _stimulus(name: str | None, changed: dict[str, Any]) -> Any:
    """The protocol of that name or file, with what --set changes in it."""
    from spikelearn.stimuli import load_protocol

    if name is None:
        if changed:
            raise SpikelearnError("--set changes a stimulus, but there is none; give --stimulus")
        return None
    return load_protocol(name).changed(changed) if changed else name


def _check_files(
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


def _engine(activity: Activity) -> str:
    target = activity.provenance.get("backend_target")
    return str(activity.provenance["backend"]) + (f":{target}" if target else "")


@dataclass(frozen=True)
class _View:
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

    def within(self, duration_ms: float) -> _View:
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

    def draw(
        self,
        activity: Activity,
        rasters: list[Path] | None,
        psths: list[Path] | None,
        statistics: list[Path] | None,
        trial: int = 0,
    ) -> None:
        """Draw the pictures whose files are named."""
        from spikelearn.report.psth import plot_psth
        from spikelearn.report.raster import plot_raster
        from spikelearn.report.statistics import plot_statistics

        part = (self.start_ms, self.stop_ms)
        for file in rasters or []:
            print(f"Raster: {plot_raster(activity, file, trial, *part)}")
        for file in psths or []:
            bin_ms = 1.0 if self.bin_ms is None else self.bin_ms
            print(f"Rates: {plot_psth(activity, file, bin_ms, self.sigma_ms, *part)}")
        for file in statistics or []:
            bin_ms = 5.0 if self.bin_ms is None else self.bin_ms
            print(f"Statistics: {plot_statistics(activity, file, bin_ms, *part)}")


@app.command()
@plainly
def stats(
    source: Annotated[Path, typer.Argument(help="Spikes in .nwb, .nix, .h5, .npz, .mat or .csv.")],
    raster: RasterFiles = None,
    psth: PsthFiles = None,
    figure: StatisticsFiles = None,
    out: Annotated[Path | None, typer.Option(help="File for the table: .csv or .parquet.")] = None,
    trial: Annotated[int, typer.Option(min=0, help="Trial of the raster plot.")] = 0,
    bin_ms: Bin = None,
    sigma: Sigma = 0.0,
    start: Start = 0.0,
    stop: Stop = None,
    seed: NoSeed = 0,
) -> None:
    """Spike-train statistics of a file of spikes, and pictures of them.

    isi_cv is the median over neurons with 20 interspike intervals in a trial, for of few it reads
    low; cv2, from interval to interval, is 1 for a Poisson process of however few. The Fano factor
    is taken over the trials of each stimulus, n_repeats in all. The correlation is the mean over
    n_pairs pairs of neurons of their counts in bins; the synchrony is the Fano factor of the whole
    population's count (1 for independent Poisson neurons), which the transient at the start of a
    simulation raises: --start leaves it out.

    Example: spikelearn stats spikes.nwb --start 200 --psth rates.png --bin 2 --out stats.csv
    """
    from spikelearn.spikes import load

    _check_files(None, raster, psth, figure, table=out)
    activity = load(source)
    if raster and trial >= activity.n_trials:
        raise SpikelearnError(f"there is no trial {trial}; trials are 0 to {activity.n_trials - 1}")
    view = _View(bin_ms, sigma, start, stop)
    view.check(activity.duration_ms)
    table = view.summarise(activity, source.name)
    view.draw(activity, raster, psth, figure, trial)
    if out is not None:
        write_table(table, out)


def spiking_network(
    model: str, seed: int = 0, changed: Mapping[str, Any] | None = None
) -> SpikingNetwork:
    """The spiking network of that name, file or training run.

    Parameters
    ----------
    model : str
        Its name, a file, or the folder of a run.
    seed : int
        Of the initial weights of a classifier.
    changed : mapping, optional
        What is to be different in its description, by path.

    Raises
    ------
    SpikelearnError
        If there is no such network, or it does not spike.
    """
    from spikelearn._store import is_complete
    from spikelearn.networks import load_model

    if is_complete(Path(model)):
        trained = _trained_network(Path(model))
        return trained.changed(changed) if changed else trained
    description = load_model(model)
    if changed:
        description = description.changed(changed)
    if description.kind == "spiking":
        return description
    if description.kind in ("spiking_mlp", "latency_mlp", "latency_cnn"):
        return description.build(seed).to_spiking_network()
    raise SpikelearnError(
        f"model '{model}' is of kind {description.kind}, which does not spike; `spikelearn models`"
        " lists those that do"
    )


def _trained_network(folder: Path) -> SpikingNetwork:
    from spikelearn.networks.latency_mlp import LatencyNetwork
    from spikelearn.networks.spiking_mlp import SpikingClassifier
    from spikelearn.studies import open_run
    from spikelearn.training import STDPRun

    run = open_run(folder)
    if isinstance(run, STDPRun):
        return run.network.changed("dt_ms", run.config["dt_ms"])
    if isinstance(run.rule.network, SpikingClassifier | LatencyNetwork):
        return run.rule.network.to_spiking_network()
    raise SpikelearnError(f"{folder} holds a network of rates, which does not spike")


@app.command()
@plainly
def convert(
    source: Annotated[
        str,
        typer.Argument(help="A shipped model, a YAML or .nir file, or a training run's folder."),
    ],
    target: Annotated[Path, typer.Argument(help="A .nir file, or a folder for YAML and weights.")],
    dt: Annotated[
        float | None, typer.Option(help="Time step in ms; the network's own, or 0.1.")
    ] = None,
    step: Annotated[
        float | None,
        typer.Option(help="Time step in ms that the program which reads the .nir file assumes."),
    ] = None,
    written_by: Annotated[
        str | None,
        typer.Option(
            help="Who wrote the .nir file: spikelearn, snntorch, norse, sinabs; nir: as it says."
        ),
    ] = None,
    reset: Annotated[
        str | None,
        typer.Option(help="Resets of snnTorch or Sinabs: subtract or to_value."),
    ] = None,
    seed: Seed = 0,
    setting: Changes = None,
) -> None:
    """Convert a spiking network from or to NIR, which other simulators and chips read.

    Example: spikelearn convert theirs.nir ours --reset subtract
    """
    from spikelearn.networks.spiking import SpikingNetwork
    from spikelearn.simulation.simulate import time_step

    (changed,) = changes(setting, dt_ms=dt)
    if Path(source).suffix == ".nir":
        network = SpikingNetwork.from_nir(source, dt, written_by, reset)  # type: ignore[arg-type]
        network = network.changed(changed) if changed else network
    elif written_by is not None or reset is not None:
        raise SpikelearnError(f"--written-by and --reset are of .nir files; {source} is none")
    else:
        network = spiking_network(source, seed, changed)
    print_changes(changed)
    if Path(source).suffix == ".nir":
        print(network.description)
    if target.suffix == ".nir":
        network.to_nir(time_step(network) if dt is None else dt, target, step, seed)
        print(f"Network: {target}")
    else:
        print(f"Network: {network.save(target)}")


@app.command()
@plainly
def export(
    source: Annotated[Path, typer.Argument(help="Spikes in .nwb, .nix, .h5, .npz, .mat or .csv.")],
    target: Annotated[Path, typer.Argument(help="The same in another format.")],
    seed: NoSeed = 0,
) -> None:
    """Convert spike trains from one file format to another.

    Example: spikelearn export spikes.nwb spikes.csv
    """
    from spikelearn.spikes import check_path, load

    check_path(target)
    print(f"Spikes: {load(source).save(target)}")
