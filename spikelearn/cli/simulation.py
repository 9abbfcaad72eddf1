"""Commands that simulate spiking networks, and that read and write spikes and networks."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli._app import Backend, NoSeed, Seed, app, plainly, say
from spikelearn.cli._tables import check_table_path, print_table, write_table

if TYPE_CHECKING:
    from spikelearn.networks.spiking import SpikingNetwork
    from spikelearn.spikes import Activity

PsthFile = Annotated[
    Path | None,
    typer.Option(help="File for a picture of the populations' rates: .png, .svg or .pdf."),
]
StatisticsFile = Annotated[
    Path | None,
    typer.Option(
        help="File for histograms of rates, intervals and correlations: .png, .svg or .pdf."
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
    plot: Annotated[
        Path | None, typer.Option(help="File for a raster plot: .png, .svg or .pdf.")
    ] = None,
    psth: PsthFile = None,
    statistics: StatisticsFile = None,
) -> None:
    """Simulate a spiking network and save its spike trains.

    Interrupted (Ctrl-C), it keeps what was simulated, says so, and ends with exit status 130. More
    than 1000 MB of spikes are kept in the folder for temporary files (TMPDIR) meanwhile; where it
    is full, the run ends likewise, with exit status 1.

    Example: spikelearn simulate brunel2000 --duration 500 --out spikes.nwb --plot raster.png
    """
    from spikelearn._progress import progress_bars
    from spikelearn.report.pictures import check_plot_path
    from spikelearn.simulation import simulate as run
    from spikelearn.simulation import stimulus_for
    from spikelearn.simulation.simulate import time_step
    from spikelearn.spikes import check_path, summary

    for path in out or []:
        check_path(path)
    for picture in (plot, psth, statistics):
        if picture is not None:
            check_plot_path(picture)
    network = spiking_network(model, seed)
    if scale is not None:
        network = network.scaled(scale)
    step = dt if dt is not None else time_step(network)
    if stimulus is None and network.sources:
        stimulus = "poisson"
    shown = None if stimulus is None else stimulus_for(network, stimulus, duration, step, seed)
    with progress_bars() as bar, warnings.catch_warnings():
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
    print_table(
        summary(activity),
        f"{network.name} on {_engine(activity)}, {activity.n_trials} trial(s) of"
        f" {activity.duration_ms:g} ms",
    )
    partial = activity.provenance.get("partial")
    if partial:
        why = f": {partial['reason']}" if "reason" in partial else ""
        say(
            f"Interrupted: of {partial['asked_trials']} trial(s) of"
            f" {partial['asked_duration_ms']:g} ms, this much was simulated and is kept{why}"
        )
    for path in out or []:
        print(f"Spikes: {activity.save(path)}")
    _draw(activity, plot, psth, statistics)
    if partial:
        raise typer.Exit(1 if "reason" in partial else 130)


def _engine(activity: Activity) -> str:
    target = activity.provenance.get("backend_target")
    return str(activity.provenance["backend"]) + (f":{target}" if target else "")


def _draw(
    activity: Activity,
    raster: Path | None,
    psth: Path | None,
    statistics: Path | None,
    trial: int = 0,
    bin_ms: float = 5.0,
) -> None:
    """Draw the pictures whose files are named."""
    from spikelearn.report.psth import plot_psth
    from spikelearn.report.raster import plot_raster
    from spikelearn.report.statistics import plot_statistics

    if raster is not None:
        print(f"Raster: {plot_raster(activity, raster, trial)}")
    if psth is not None:
        print(f"Rates: {plot_psth(activity, psth)}")
    if statistics is not None:
        print(f"Statistics: {plot_statistics(activity, statistics, bin_ms)}")


@app.command()
@plainly
def stats(
    source: Annotated[Path, typer.Argument(help="Spikes in .nwb, .nix, .h5, .npz, .mat or .csv.")],
    raster: Annotated[
        Path | None, typer.Option(help="File for a raster plot: .png, .svg or .pdf.")
    ] = None,
    psth: PsthFile = None,
    figure: StatisticsFile = None,
    out: Annotated[Path | None, typer.Option(help="File for the table: .csv or .parquet.")] = None,
    trial: Annotated[int, typer.Option(min=0, help="Trial of the raster plot.")] = 0,
    bin_ms: Annotated[
        float, typer.Option("--bin", help="Width in ms of the bins of correlation and synchrony.")
    ] = 5.0,
    seed: NoSeed = 0,
) -> None:
    """Spike-train statistics of a file of spikes, and pictures of them.

    The correlation is the mean over pairs of neurons of their counts in bins; the synchrony is the
    Fano factor of the whole population's count (1 for independent Poisson neurons).

    Example: spikelearn stats spikes.nwb --psth rates.png --figure statistics.png --out stats.csv
    """
    from spikelearn.report.pictures import check_plot_path
    from spikelearn.spikes import load, summary

    for picture in (raster, psth, figure):
        if picture is not None:
            check_plot_path(picture)
    if out is not None:
        check_table_path(out)
    activity = load(source)
    if raster is not None and trial >= activity.n_trials:
        raise SpikelearnError(f"there is no trial {trial}; trials are 0 to {activity.n_trials - 1}")
    table = summary(activity, bin_ms)
    print_table(
        table, f"{source.name}, {activity.n_trials} trial(s) of {activity.duration_ms:g} ms"
    )
    _draw(activity, raster, psth, figure, trial, bin_ms)
    if out is not None:
        write_table(table, out)


def spiking_network(model: str, seed: int = 0) -> SpikingNetwork:
    """The spiking network of that name, file or training run."""
    from spikelearn._store import is_complete
    from spikelearn.networks import load_model

    if is_complete(Path(model)):
        return _trained_network(Path(model))
    description = load_model(model)
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
        return run.network.model_copy(update={"dt_ms": run.config["dt_ms"]})
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
        str | None, typer.Option(help="Who wrote the .nir file: spikelearn, snntorch, norse, nir.")
    ] = None,
    reset: Annotated[
        str | None, typer.Option(help="Resets of snnTorch's neurons: subtract or to_value.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Convert a spiking network from or to NIR, which other simulators and chips read.

    Example: spikelearn convert theirs.nir ours --reset subtract
    """
    from spikelearn.networks.spiking import SpikingNetwork
    from spikelearn.simulation.simulate import time_step

    if Path(source).suffix == ".nir":
        network = SpikingNetwork.from_nir(source, dt, written_by, reset)  # type: ignore[arg-type]
    else:
        network = spiking_network(source, seed)
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
