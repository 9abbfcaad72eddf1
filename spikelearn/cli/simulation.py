"""Commands that simulate spiking networks, and that convert them."""

from __future__ import annotations

import functools
import signal
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._interrupts import interrupted_by
from spikelearn._time_steps import DEFAULT_DURATION_MS
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import (
    Backend,
    Changes,
    Seed,
    app,
    changes,
    named_as_options,
    plain_warnings,
    plainly,
    print_changes,
)
from spikelearn.cli._launched import check_shared, wrote_elsewhere
from spikelearn.cli._output import give, print_line, say, wrote
from spikelearn.cli._recording import (
    PotentialFiles,
    Record,
    RecordEvery,
    numbers_recorded,
    recorded,
)
from spikelearn.cli._viewing import (
    Bin,
    PsthFiles,
    Sigma,
    Start,
    StatisticsFiles,
    Stop,
    View,
    check_files,
    each_on_its_own,
    write_spikes,
)

if TYPE_CHECKING:
    from spikelearn.networks.spiking import SpikingNetwork
    from spikelearn.spikes import Activity
    from spikelearn.stimuli.stimulus import Stimulus

SimulatedModel = Annotated[
    str,
    typer.Argument(
        help="A shipped model, a YAML or .nir file, or a training run's folder.",
        autocompletion=completions.models_and_runs,
    ),
]
ShownStimulus = Annotated[
    str | None,
    typer.Option(
        help="A shipped stimulus or a YAML file; poisson, if the model has sources.",
        autocompletion=completions.stimuli,
    ),
]
Duration = Annotated[float, typer.Option(help="Duration of a trial in ms.")]
Scale = Annotated[
    float | None,
    typer.Option(
        help="Share of the neurons, and of the synapses on each, that is left; rates are kept."
    ),
]
Plots = Annotated[
    list[Path] | None,
    typer.Option(
        help="File for a picture: a raster plot; or the rate at each value, where stimuli differ in"
        " one, as in fi_curve: .png, .svg or .pdf. May be repeated."
    ),
]
SpikeFiles = Annotated[
    list[Path] | None,
    typer.Option(
        help="File for the spikes: .nwb, .nix, .h5 (SONATA), .npz, .mat, .csv. May be repeated."
    ),
]
WrittenBy = Annotated[
    str | None,
    typer.Option(
        help="Who wrote the .nir file: spikelearn, snntorch, norse, sinabs; nir: as it says.",
        autocompletion=completions.of(lambda: ("spikelearn", "snntorch", "norse", "sinabs", "nir")),
    ),
]
Reset = Annotated[
    str | None,
    typer.Option(
        help="Of a .nir file, resets of snnTorch or Sinabs: subtract or to_value.",
        autocompletion=completions.of(lambda: ("subtract", "to_value")),
    ),
]
# Arguments of Python's that sentences name, with the options for them.
OPTIONS = {
    "dt_ms": "--dt", "duration_ms": "--duration", "step_ms": "--step",
    "written_by": "--written-by", "reset=": "--reset", "record_every_ms": "--record-every",
    "record:": "--record:",
}  # fmt: skip


@app.command()
@plainly
def simulate(
    model: SimulatedModel,
    stimulus: ShownStimulus = None,
    backend: Backend = "auto",
    duration: Duration = DEFAULT_DURATION_MS,
    dt: Annotated[
        float | None, typer.Option(help="Time step in ms; 0.1, or the trained network's own.")
    ] = None,
    written_by: WrittenBy = None,
    reset: Reset = None,
    scale: Scale = None,
    seed: Seed = 0,
    threads: Annotated[
        int | None, typer.Option(help="Threads, at most; as many as there are cores.")
    ] = None,
    out: SpikeFiles = None,
    plot: Plots = None,
    psth: PsthFiles = None,
    statistics: StatisticsFiles = None,
    bin_ms: Bin = None,
    sigma: Sigma = 0.0,
    start: Start = 0.0,
    stop: Stop = None,
    record: Record = None,
    record_every: RecordEvery = None,
    potentials: PotentialFiles = None,
    setting: Changes = None,
) -> None:
    """Simulate a spiking network and save its spike trains.

    Interrupted (Ctrl-C, SIGTERM, SIGHUP), it keeps what was simulated, says so, and ends with exit
    status 130, 143 or 129. More than 1000 MB of spikes are kept in the folder for temporary files
    (TMPDIR) meanwhile; where it is full, the run ends likewise, with exit status 1.

    Several processes that mpirun starts simulate one network together on a NEST that was built with
    MPI; one of them tells and writes what came of it. Interrupted, they keep nothing.

    Example: spikelearn simulate brunel2000 --duration 500 --out spikes.nwb --plot raster.png
    Example: spikelearn simulate lif_neuron --stimulus fi_curve --plot fi.png --plot fi.pdf
    Example: spikelearn simulate brunel2000 --set populations.excitatory.tau_m_ms=10
    Example: spikelearn simulate theirs.nir --written-by norse --dt 1
    Example: spikelearn simulate brunel2000 --record excitatory=0:10 --record-every 1 --out v.nwb
    Example: spikelearn simulate izhikevich2003 --record excitatory=0,5 --potentials potentials.png
    Example: mpirun -n 4 spikelearn simulate brunel2000 --backend nest --out spikes.nwb
    """
    from spikelearn._progress import progress_bars
    from spikelearn.simulation import simulate as run
    from spikelearn.simulation.given import time_step

    check_shared(backend)
    view = View(bin_ms, sigma, start, stop)
    if duration > 0:  # the simulation itself says what else a duration must be
        view.check(duration)
    check_files(out, plot, psth, statistics, potentials)
    traced = recorded(record, record_every, out, potentials)
    of_network, of_stimulus = changes(setting, "stimulus", dt_ms=dt)
    network = spiking_network(model, seed, of_network, dt, written_by, reset)
    if scale is not None:
        network = network.scaled(scale)
    step = dt if dt is not None else time_step(network)
    if stimulus is None and network.sources:
        stimulus = "poisson"
    protocol = _stimulus(stimulus, of_stimulus)
    shown = _shown(network, protocol, (duration, step), backend, seed)
    _check_disk(network, out, shown, (duration, step), (traced, record_every))
    print_changes(of_network, of_stimulus, parts=("stimulus",))
    _print_reading(model, network)
    with progress_bars() as bar, plain_warnings(OPTIONS), named_as_options(OPTIONS):
        # Of a full disk, which is told below.
        warnings.filterwarnings("ignore", ".*takes no more spikes")
        move = bar(f"{network.name} on {backend}")
        move(0.0, "making the network")
        activity = run(
            network, shown, duration, step, backend, seed, record=traced,
            progress=lambda f: move(f, "simulating"), keep_partial=True, threads=threads,
            record_every_ms=record_every,
        )  # fmt: skip
    if wrote_elsewhere():
        return
    view = view.within(activity.duration_ms)  # of an interrupted run there may be less
    _print_found(activity, view, network, seed)
    partial = activity.provenance.get("partial")
    ending = None if partial is None else _say_partial(partial)
    rasters, curves = _rasters_and_curves(activity, plot)
    each_on_its_own([
        *(functools.partial(write_spikes, activity, path) for path in out or []),
        *view.drawing(
            activity, rasters, psth, statistics, curves=curves, potentials=potentials
        ),
    ])  # fmt: skip
    if ending is not None:
        raise typer.Exit(ending)


def _rasters_and_curves(
    activity: Activity, plots: list[Path] | None
) -> tuple[list[Path] | None, list[Path] | None]:
    """Of files for pictures, those for rasters and those for rates at each value of a ladder."""
    from spikelearn.spikes.summary_by import ladder

    return (None, plots) if ladder(activity) is not None else (plots, None)


def _print_found(activity: Activity, view: View, network: SpikingNetwork, seed: int) -> None:
    """What a simulation gave: statistics, and the rate at each value of a ladder of stimuli."""
    for name, value in {
        "model": network.name, "backend": _engine(activity), "seed": seed, "dt_ms": activity.dt_ms,
    }.items():  # fmt: skip
        give(name, value)
    view.summarise(activity, f"{network.name} on {_engine(activity)}")
    view.print_curve(activity)
    if "partial" in activity.provenance:
        give("partial", activity.provenance["partial"])


def _say_partial(partial: dict[str, Any]) -> int:
    """Say what of an interrupted simulation there is; the exit status to end with."""
    by = signal.Signals[partial.get("signal", "SIGINT")]
    why = f": {partial['reason']}" if "reason" in partial else ""
    say(
        f"{interrupted_by(by)}: of {counted(partial['asked_trials'], 'trial')} of"
        f" {partial['asked_duration_ms']:g} ms, this much was simulated and is kept{why}"
    )
    return 1 if "reason" in partial else 128 + by


def _shown(
    network: SpikingNetwork, protocol: Any, grid_ms: tuple[float, float], backend: str, seed: int
) -> Stimulus | None:
    """What the network is shown, where there is a protocol, once the memory is known to hold it."""
    from spikelearn.simulation import stimulus_for
    from spikelearn.simulation.memory import check_size

    check_size(network, backend, *grid_ms)
    if protocol is None:
        return None
    with named_as_options(OPTIONS):
        return stimulus_for(network, protocol, *grid_ms, seed)


def _check_disk(
    network: SpikingNetwork,
    out: list[Path] | None,
    shown: Stimulus | None,
    grid_ms: tuple[float, float],
    traced: tuple[dict[str, Any], float | None],
) -> None:
    """Refuse files of spikes that their disks do not hold, where the network says its rates."""
    from spikelearn.simulation.memory import spikes_to_come
    from spikelearn.spikes import check_disk, expected_activity

    duration, step = grid_ms
    if not out or not (duration > 0 and step > 0):
        return
    n_trials = 1 if shown is None else shown.n_trials
    sizes = {name: network.populations[name].size for name in network.recorded}
    to_come = spikes_to_come(network, n_trials, duration)
    with named_as_options(OPTIONS):
        potentials = numbers_recorded(network, *traced, grid_ms)
    expected = expected_activity(sizes, to_come, n_trials, grid_ms, potentials)
    for path in out:
        check_disk(path, expected)


def _stimulus(name: str | None, changed: dict[str, Any]) -> Any:
    """The protocol of that name or file, with what --set changes in it."""
    from spikelearn.stimuli import load_protocol

    if name is None:
        if changed:
            raise SpikelearnError("--set changes a stimulus, but there is none; give --stimulus")
        return None
    return load_protocol(name).changed(changed) if changed else name


def _engine(activity: Activity) -> str:
    target = activity.provenance.get("backend_target")
    return str(activity.provenance["backend"]) + (f":{target}" if target else "")


def _print_reading(model: str, network: SpikingNetwork) -> None:
    """How a NIR graph was read, and by how many steps spikes come later here."""
    from spikelearn.training.spiking_model import is_nir

    if is_nir(model):
        print_line(network.description)
        give("read_as", network.description)


def spiking_network(
    model: str,
    seed: int = 0,
    changed: Mapping[str, Any] | None = None,
    dt: float | None = None,
    written_by: str | None = None,
    reset: str | None = None,
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
    dt : float, optional
        Of a .nir file, the time step in ms with which it is to be simulated.
    written_by, reset : str, optional
        How a .nir file is to be read.

    Raises
    ------
    SpikelearnError
        If there is no such network, or it does not spike.
    """
    from spikelearn.training.spiking_model import as_spiking, spiking_model

    with named_as_options(OPTIONS):
        found = spiking_model(model, dt, written_by, reset)
    return as_spiking(found.changed(changed) if changed else found, seed)


@app.command()
@plainly
def convert(
    source: SimulatedModel,
    target: Annotated[Path, typer.Argument(help="A .nir file, or a folder for YAML and weights.")],
    dt: Annotated[
        float | None, typer.Option(help="Time step in ms; the network's own, or 0.1.")
    ] = None,
    step: Annotated[
        float | None,
        typer.Option(help="Time step in ms that the program which reads the .nir file assumes."),
    ] = None,
    written_by: WrittenBy = None,
    reset: Reset = None,
    seed: Seed = 0,
    setting: Changes = None,
) -> None:
    """Convert a spiking network from or to NIR, which other simulators and chips read.

    Example: spikelearn convert theirs.nir ours --reset subtract
    """
    from spikelearn.simulation.given import time_step

    (changed,) = changes(setting, dt_ms=dt)
    network = spiking_network(source, seed, changed, dt, written_by, reset)
    print_changes(changed)
    _print_reading(source, network)
    if target.suffix == ".nir":
        with named_as_options(OPTIONS):
            network.to_nir(time_step(network) if dt is None else dt, target, step, seed)
        wrote("Network", target)
    else:
        wrote("Network", network.save(target))
