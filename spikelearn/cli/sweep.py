"""The group of commands that run sweeps: many runs of one description, over axes and seeds."""

from __future__ import annotations

import functools
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import DEFAULT_DURATION_MS
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import (
    Again,
    Backend,
    Changes,
    app,
    named_as_options,
    plain_warnings,
    plainly,
    settings,
)
from spikelearn.cli._output import failed, give, print_line, say, wrote
from spikelearn.cli._recording import Record, RecordEvery, neurons_recorded
from spikelearn.cli._search_options import (
    Batch,
    Maximise,
    Minimise,
    NumberOfTrials,
    SearchBy,
    chosen_search,
    print_notes,
    print_search,
)
from spikelearn.cli._shipped import add_list, print_rows
from spikelearn.cli._tables import print_table
from spikelearn.cli._viewing import each_on_its_own
from spikelearn.cli._worker_options import (
    ONE,
    Cluster,
    Limit,
    Scheduler,
    Threads,
    WorkersOption,
    chosen_workers,
)
from spikelearn.cli.simulation import (
    OPTIONS,
    Duration,
    Reset,
    ShownStimulus,
    SimulatedModel,
    WrittenBy,
)

if TYPE_CHECKING:
    from spikelearn._workers import Workers
    from spikelearn.sweeps import Sweep, SweepResult

sweep_app = typer.Typer(
    name="sweep",
    help="Run one description many times, over axes and seeds; `sweep` alone lists those in runs/.",
)
app.add_typer(sweep_app)

Vary = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH=VALUES",
        help="An axis: values between commas, a range as -0.3:-0.8:11 or 1:1000:4:log, or draws as"
        " 'uniform(0, 1):20'. Paths with & between them vary together. May be repeated.",
    ),
]
Measure = Annotated[
    list[str] | None,
    typer.Option(
        help="What is measured, names between commas; one of your own as my_measures.py:my_measure."
        " May be repeated; all there is, if left out."
    ),
]
FirstSeed = Annotated[int, typer.Option(min=0, help="The first seed.")]
Seeds = Annotated[int, typer.Option(min=1, help="How many seeds, counted up from the first.")]
DrawSeed = Annotated[int, typer.Option(min=0, help="Seed of axes that are drawn, and of a search.")]
Name = Annotated[str | None, typer.Option(help="Name of the sweep, and of its folder.")]
RunsFolder = Annotated[
    Path, typer.Option("--runs", help="Folder of runs, which all sweeps and commands share.")
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder for table, picture and page; RUNS/sweeps/NAME if left out."),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Try runs again that failed an earlier time.")
]
PlanOnly = Annotated[
    bool, typer.Option("--plan", help="Say how many runs, how long and how much disk; run nothing.")
]
Pictures = Annotated[
    list[Path] | None,
    typer.Option(help="Further file for the picture: .png, .svg or .pdf. May be repeated."),
]
RUNS = Path("runs")


def _print_sweeps() -> None:
    from spikelearn._files import read_yaml
    from spikelearn.sweeps import Sweep
    from spikelearn.sweeps.description import code_named

    found = []
    for file in sorted(RUNS.glob("sweeps/*/sweep.yaml")):
        try:
            fields = read_yaml(file)
            if (code := code_named(fields)) is not None:  # which a look does not run
                found.append((file.parent.name, f"names code: {code}", ""))
                continue
            described = Sweep(**fields)
        except (SpikelearnError, TypeError) as error:
            found.append((file.parent.name, "cannot be read", str(error)))
            continue
        varied = [path for axis in described.axes() for path in axis.paths]
        found.append((file.parent.name, counted(described.n_runs, "run"), ", ".join(varied)))
    print_rows("sweeps", found, ("name", "runs", "varied"))
    if not found:
        say("There are no sweeps in runs/sweeps; `spikelearn sweep --help` says how to run one.")


add_list(sweep_app, _print_sweeps, "sweeps in the folder runs/sweeps")


@sweep_app.command()
@plainly
def run(
    file: Annotated[Path, typer.Argument(help="A sweep's YAML file.")],
    runs: RunsFolder = RUNS,
    out: Out = None,
    workers: WorkersOption = ONE,
    scheduler: Scheduler = "",
    cluster: Cluster = None,
    threads_per_worker: Threads = 1,
    limit: Limit = None,
    seed: Annotated[int, typer.Option(min=0, help="Added to every seed of the description.")] = 0,
    setting: Changes = None,
    retry_failed: RetryFailed = False,
    again: Again = False,
    plan: PlanOnly = False,
    plot: Pictures = None,
) -> None:
    """Run the sweep that a YAML file describes; what is there is not computed again.

    Interrupted, it keeps every run that is complete, and the same command goes on from there.

    A measure of your own is code that is run; so is a rule's file.

    Example: spikelearn sweep run sweep.yaml --workers 4
    """
    from spikelearn.sweeps import load_sweep

    described = load_sweep(file)
    if setting:
        described = described.changed(settings(setting, "--set"))
    if seed:
        described = described.changed("seeds", [one + seed for one in described.seeds])
    who = chosen_workers(workers, scheduler, cluster, threads_per_worker, limit)
    _run(described, runs, out, who, retry_failed, again, plan, plot)


@sweep_app.command()
@plainly
def simulate(
    model: SimulatedModel,
    vary: Vary = None,
    stimulus: ShownStimulus = None,
    measure: Measure = None,
    backend: Backend = "auto",
    duration: Duration = DEFAULT_DURATION_MS,
    dt: Annotated[float | None, typer.Option(help="Time step in ms; the model's, or 0.1.")] = None,
    written_by: WrittenBy = None,
    reset: Reset = None,
    scale: Annotated[
        float | None, typer.Option(help="Share of the neurons, and of the synapses on each.")
    ] = None,
    start: Annotated[float, typer.Option(help="Time in ms from which measures count.")] = 0.0,
    stop: Annotated[float | None, typer.Option(help="Time in ms up to which they do.")] = None,
    bin_ms: Annotated[
        float, typer.Option("--bin", help="Width in ms of the bins of correlation and synchrony.")
    ] = 5.0,
    keep_spikes: Annotated[
        bool, typer.Option("--keep-spikes", help="Keep the spikes of every run, a file each.")
    ] = False,
    record: Record = None,
    record_every: RecordEvery = None,
    setting: Changes = None,
    seed: FirstSeed = 0,
    seeds: Seeds = 1,
    draw_seed: DrawSeed = 0,
    search: SearchBy = None,
    trials: NumberOfTrials = None,
    maximise: Maximise = None,
    minimise: Minimise = None,
    batch: Batch = None,
    name: Name = None,
    runs: RunsFolder = RUNS,
    out: Out = None,
    workers: WorkersOption = ONE,
    scheduler: Scheduler = "",
    cluster: Cluster = None,
    threads_per_worker: Threads = 1,
    limit: Limit = None,
    retry_failed: RetryFailed = False,
    again: Again = False,
    plan: PlanOnly = False,
    plot: Pictures = None,
) -> None:
    """Simulate a model over axes and seeds, and measure its activity.

    A path of --vary leads into the network, as those of --set; behind stimulus. into the stimulus,
    behind simulate. to what else a simulation takes, as in simulate.duration_ms=100,1000.

    Potentials (--record) are read by a measure of your own, or kept beside spikes (--keep-spikes).

    Example: spikelearn sweep simulate brunel2000 --vary 'background[*].rate_hz=10000:40000:4'
    --seeds 3 --measure rate_hz,isi_cv --start 200 --workers 2
    """
    from spikelearn.sweeps.bases import SimulateBase
    from spikelearn.sweeps.description import Sweep

    base: dict[str, Any] = {
        "model": model, "stimulus": stimulus, "duration_ms": duration, "dt_ms": dt,
        "backend": backend, "written_by": written_by, "reset": reset, "scale": scale,
        "record": neurons_recorded(record) if record else None, "record_every_ms": record_every,
        "changes": settings(setting or [], "--set") or None,
    }  # fmt: skip
    described = Sweep(
        **_shared(name or Path(model).stem, vary, measure, seed, seeds),
        simulate=SimulateBase(**{field: v for field, v in base.items() if v is not None}),
        start_ms=start, stop_ms=stop, bin_ms=bin_ms, keep_spikes=keep_spikes, draw_seed=draw_seed,
        search=chosen_search(search, trials, maximise, minimise, batch),
    )  # fmt: skip
    with named_as_options(OPTIONS):
        who = chosen_workers(workers, scheduler, cluster, threads_per_worker, limit)
        _run(described, runs, out, who, retry_failed, again, plan, plot)


@sweep_app.command()
@plainly
def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A training recipe, by name (mnist_mlp/backprop) or path.",
            autocompletion=completions.recipes,
        ),
    ],
    vary: Vary = None,
    measure: Measure = None,
    setting: Changes = None,
    seed: FirstSeed = 0,
    seeds: Seeds = 1,
    draw_seed: DrawSeed = 0,
    search: SearchBy = None,
    trials: NumberOfTrials = None,
    maximise: Maximise = None,
    minimise: Minimise = None,
    batch: Batch = None,
    name: Name = None,
    runs: RunsFolder = RUNS,
    out: Out = None,
    workers: WorkersOption = ONE,
    scheduler: Scheduler = "",
    cluster: Cluster = None,
    threads_per_worker: Threads = 1,
    limit: Limit = None,
    retry_failed: RetryFailed = False,
    again: Again = False,
    plan: PlanOnly = False,
    plot: Pictures = None,
) -> None:
    """Train by a recipe over axes and seeds; each is a run like those of `spikelearn train`.

    A path of --vary leads into the recipe, and behind network. into the model.

    Example: spikelearn sweep train mnist_mlp/backprop --vary learning_rate=1e-4:1e-2:5:log
    --set epochs=3 --seeds 2
    """
    from spikelearn.sweeps.bases import TrainBase
    from spikelearn.sweeps.description import Sweep

    base: dict[str, Any] = {"recipe": recipe}
    if setting:
        base["changes"] = settings(setting, "--set")
    stem = Path(recipe).with_suffix("").as_posix().replace("/", "-").strip("-.")
    described = Sweep(
        **_shared(name or stem, vary, measure, seed, seeds),
        train=TrainBase(**base),
        draw_seed=draw_seed,
        search=chosen_search(search, trials, maximise, minimise, batch),
    )
    who = chosen_workers(workers, scheduler, cluster, threads_per_worker, limit)
    _run(described, runs, out, who, retry_failed, again, plan, plot)


def _shared(
    name: str, vary: list[str] | None, measure: list[str] | None, seed: int, seeds: int
) -> dict[str, Any]:
    """Fields that both kinds of sweep have."""
    from spikelearn._paths import between_commas
    from spikelearn.sweeps.measures import absolute_measure

    fields: dict[str, Any] = {
        "name": name,
        "vary": [_axis(text) for text in vary or []],
        "seeds": list(range(seed, seed + seeds)),
    }
    measures = [one for text in measure or [] for one in between_commas(text)]
    if measures:
        fields["measures"] = [absolute_measure(one, Path()) for one in measures]
    return fields


def _axis(text: str) -> dict[str, Any]:
    """What --vary says: one path with its values, or several that vary together."""
    from spikelearn._paths import between_commas, split_assignment

    parts = []
    for part in between_commas(text, "&"):
        path, values = split_assignment(part) or ("", "")
        if not path or not values.strip():
            raise SpikelearnError(f"--vary takes PATH=VALUES, found '{part}'")
        parts.append({"path": path, "values": values})
    if not parts:
        raise SpikelearnError(f"--vary takes PATH=VALUES, found '{text}'")
    return parts[0] if len(parts) == 1 else {"together": parts}


def _run(
    described: Sweep,
    runs: Path,
    out: Path | None,
    who: Workers,
    retry_failed: bool,
    again: bool,
    plan: bool,
    plots: list[Path] | None,
) -> None:
    """Run a sweep, print what it measured, and write its picture and its page."""
    from spikelearn._progress import progress_bars
    from spikelearn.report.pictures import check_plot_path
    from spikelearn.sweeps import sweep as compute
    from spikelearn.sweeps.running import plan_sweep
    from spikelearn.sweeps.search_result import SearchResult

    for path in plots or []:
        check_plot_path(path)
    with plain_warnings():
        if plan:
            said = list(plan_sweep(described, runs, who, retry_failed, again, out))
            for sentence in said:
                print_line(sentence)
            give("plan", said)
            return
        with progress_bars() as bars:
            result = compute(
                described, runs, out, who, retry_failed=retry_failed, again=again,
                progress=bars(f"sweep {described.name}"), tell=say,
            )  # fmt: skip
    give("sweep", described.name)
    give("n_runs", described.n_runs)
    give("n_failed", result.n_failed)
    print_search(result) if isinstance(result, SearchResult) else _print(result)
    # What workers are told by does not change the page.
    command = shlex.join(["spikelearn", *sys.argv[1:]]) if sys.argv[1:2] == ["sweep"] else ""
    writers = [functools.partial(_write_page, result, command)]
    writers += [functools.partial(_write_picture, result, path) for path in plots or []]
    wrote("Table", result.folder / "table.parquet")
    each_on_its_own(writers)
    if result.n_failed:
        for sentence in result.failed:
            failed(sentence)
        if isinstance(result, SearchResult) and result.n_known:
            return  # a search tries also what may not be
        raise SpikelearnError(
            f"{result.n_failed} of {counted(described.n_runs, 'run')} failed; --retry-failed"
            " tries them again"
        )


def _print(result: SweepResult) -> None:
    """Means over seeds, as far as a screen holds them, and what runs warned of."""
    print_notes(result.notes)
    table = result.table[result.table["failed"] == ""]
    numbers = [name for name in result.measures if table[name].dtype.kind in "fi"]
    by = [column for axis in result.sweep.axes() for column in axis.columns]
    by += ["population"] if "population" in table else []
    if not len(table):
        return
    means = table.groupby(by, sort=False)[numbers].mean().reset_index() if by else table[numbers]
    several = f", means over {len(result.sweep.seeds)} seeds" if len(result.sweep.seeds) > 1 else ""
    shown = means.head(_MOST_ROWS)
    title = f"{result.sweep.name}: {counted(result.sweep.n_runs, 'run')}{several}"
    print_table(shown, title, "means", means)
    if len(shown) < len(means):
        print_line(f"and {len(means) - len(shown):,} further rows")


_MOST_ROWS = 40


def _write_page(result: SweepResult, command: str) -> None:
    wrote("Page", result.write_page(command))


def _write_picture(result: SweepResult, path: Path) -> None:
    result.plot(path=path)
    wrote("Picture", path)
