"""The command line: thin commands over the rooms of the corridor."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table as RichTable

    from spikelearn.experiments import STDPConfig, TrainConfig
    from spikelearn.networks.spiking import SpikingNetwork
    from spikelearn.spikes import Activity

Command = TypeVar("Command", bound=Callable[..., Any])

app = typer.Typer(
    name="spikelearn",
    help=(
        "Simulate spiking networks, train one network by any learning rule, and compare what it"
        " learns with recorded brains.\n\nStart with `spikelearn demo`; it shows everything once."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
NoSeed = Annotated[
    int, typer.Option("--seed", min=0, help="Accepted everywhere; nothing is random here.")
]
Backend = Annotated[
    str,
    typer.Option(
        help="Simulator: native, brian2, snntorch, norse, or auto: the first that has all it takes."
    ),
]
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


def plainly(command: Command) -> Command:
    """Turn the errors a user can mend into one sentence and a non-zero exit."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except SpikelearnError as error:
            _say(f"Error: {error}")
            raise typer.Exit(1) from None
        except BrokenPipeError:  # whoever read our output, such as `head`, has seen enough
            sys.stdout = None
            raise typer.Exit(1) from None
        except OSError as error:
            _say(f"Error: {error.strerror or error}: {error.filename or 'the system refused'}")
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            _say("Interrupted. What was complete is kept; the same command goes on from there.")
            raise typer.Exit(130) from None

    return wrapped  # type: ignore[return-value]


def _say(text: str) -> None:
    print(text, file=sys.stderr)


@app.command()
@plainly
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report and everything else.")] = Path(
        "runs/demo"
    ),
    seed: Seed = 0,
) -> None:
    """Train networks by seven rules, show them what brains were shown, and write a report.

    About five minutes on two cores. Uses the digits that come with the toolkit, or the full MNIST
    where it is at hand (`spikelearn download mnist`), and downloads the recording of Kriegeskorte
    et al. 2008 (4 MB) once. Interrupted, it goes on where it was.
    """
    from spikelearn.experiments.demo import run_demo

    report = run_demo(out, seed)
    print(f"Report: {report}")


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
    scale: Annotated[
        float | None,
        typer.Option(
            help="Share of the neurons, and of the synapses on each, that is left; rates are kept."
        ),
    ] = None,
    seed: Seed = 0,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            help="File for the spikes: .nwb, .nix, .h5 (SONATA), .npz, .mat, .csv. May be repeated."
        ),
    ] = None,
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
    from spikelearn.experiments import stimulus_for
    from spikelearn.report.pictures import check_plot_path
    from spikelearn.simulation import simulate as run
    from spikelearn.simulation.simulate import time_step
    from spikelearn.spikes import check_path, summary

    for path in out or []:
        check_path(path)
    for picture in (plot, psth, statistics):
        if picture is not None:
            check_plot_path(picture)
    network = _network(model, seed)
    if scale is not None:
        network = network.scaled(scale)
    step = dt if dt is not None else time_step(network)
    if stimulus is None and network.sources:
        stimulus = "poisson"
    shown = None if stimulus is None else stimulus_for(network, stimulus, duration, step, seed)
    with progress_bars() as bar, warnings.catch_warnings():
        # Of a full disk, which is told below.
        warnings.filterwarnings("ignore", ".*takes no more spikes")
        say = bar(f"{network.name} on {backend}")
        activity = run(
            network,
            shown,
            duration,
            step,
            backend,
            seed,
            progress=lambda f: say(f, "simulating"),
            keep_partial=True,
        )
    partial = activity.provenance.get("partial")
    _table(
        summary(activity),
        f"{network.name} on {activity.provenance['backend']}, {activity.n_trials} trial(s) of"
        f" {activity.duration_ms:g} ms",
    )
    if partial:
        why = f": {partial['reason']}" if "reason" in partial else ""
        typer.echo(
            f"Interrupted: of {partial['asked_trials']} trial(s) of"
            f" {partial['asked_duration_ms']:g} ms, this much was simulated and is kept{why}",
            err=True,
        )
    for path in out or []:
        print(f"Spikes: {activity.save(path)}")
    _draw(activity, plot, psth, statistics)
    if partial:
        raise typer.Exit(1 if "reason" in partial else 130)


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
        _check_table_path(out)
    activity = load(source)
    if raster is not None and trial >= activity.n_trials:
        raise SpikelearnError(f"there is no trial {trial}; trials are 0 to {activity.n_trials - 1}")
    table = summary(activity, bin_ms)
    _table(table, f"{source.name}, {activity.n_trials} trial(s) of {activity.duration_ms:g} ms")
    _draw(activity, raster, psth, figure, trial, bin_ms)
    if out is not None:
        _write_table(table, out)


def _check_table_path(path: Path) -> None:
    if path.suffix not in (".parquet", ".csv"):
        raise SpikelearnError(f"{path}: the table is written as .parquet or .csv")


def _write_table(table: pd.DataFrame, path: Path) -> None:
    from spikelearn._files import atomic_path

    with atomic_path(path) as temporary:
        if path.suffix == ".csv":
            table.to_csv(temporary, index=False)
        else:
            table.to_parquet(temporary, index=False)
    print(f"Table: {path}")


def _network(model: str, seed: int = 0) -> SpikingNetwork:
    """The spiking network of that name, file or training run."""
    from spikelearn.experiments.store import is_complete
    from spikelearn.networks import load_model

    if is_complete(Path(model)):
        return _trained_network(Path(model))
    description = load_model(model)
    if description.kind == "spiking":
        return description
    if description.kind == "spiking_mlp":
        return description.build(seed).to_spiking_network()
    raise SpikelearnError(
        f"model '{model}' is of kind {description.kind}, which does not spike; `spikelearn models`"
        " lists those that do"
    )


def _trained_network(folder: Path) -> SpikingNetwork:
    from spikelearn.experiments import STDPRun, open_run
    from spikelearn.networks.spiking_mlp import SpikingClassifier

    run = open_run(folder)
    if isinstance(run, STDPRun):
        return run.network.model_copy(update={"dt_ms": run.config["dt_ms"]})
    if isinstance(run.rule.network, SpikingClassifier):
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
        network = _network(source, seed)
    if target.suffix == ".nir":
        network.to_nir(time_step(network) if dt is None else dt, target, step, seed)
        print(f"Network: {target}")
    else:
        print(f"Network: {network.save(target)}")


@app.command()
@plainly
def train(
    rule: Annotated[
        str | None,
        typer.Option(help="Learning rule; `spikelearn rules` lists them. Or give --recipe."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Training recipe, by name (such as mnist_mlp/backprop) or path; what else is"
            " given replaces what it says. With --rule alone, the shipped one, if there is one."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Model; the recipe's, or the first that the rule trains, if left out."),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="Data set, or path of a folder of images or an .npz file."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs (not for STDP); the recipe's, or 5.")
    ] = None,
    images: Annotated[
        int | None,
        typer.Option(min=1, help="Training images; all, if left out (STDP: 300)."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="A setting of the rule, as name=value; may be given several times."),
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda.")] = None,
    seed: Seed = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, counted up from --seed.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder of runs; each gets a folder in it.")] = Path(
        "runs"
    ),
) -> None:
    """Train a network on images by a learning rule, and test it on held-out images.

    A run that is complete is not computed again; one that was interrupted goes on.

    Example: spikelearn train --rule feedback_alignment --epochs 10 --seeds 3
    """
    import pandas as pd

    from spikelearn._progress import progress_bars
    from spikelearn.experiments import STDPConfig, train_stdp
    from spikelearn.experiments import train as run_training

    named = {
        "rule": rule, "model": model, "dataset": dataset, "n_train": images, "epochs": epochs,
        "learning_rate": learning_rate, "device": device,
    }  # fmt: skip
    given: dict[str, Any] = {k: v for k, v in named.items() if v is not None}
    if option:
        given["options"] = _settings(option)
    first = _training_config(recipe, given, seed)
    rows, layers = [], []
    with progress_bars() as bar:
        for s in range(seed, seed + seeds):
            config = first.model_copy(update={"seed": s})
            say = bar(f"{first.rule}, seed {s}")
            run: Any
            if isinstance(config, STDPConfig):
                run = train_stdp(config, out, say)
            else:
                run = run_training(config, out, say)
            rows.append({"seed": s, **run.summary, "folder": run.folder})
            layers.append(run.layers.assign(seed=s))
    table = pd.DataFrame(rows)
    shown = ["seed", "test_accuracy", "validation_accuracy", "best_epoch", "n_test", "flag"]
    _table(table[shown], f"{first.rule} on {first.model}")
    _table(pd.concat(layers)[["seed", *layers[0].columns.drop("seed")]], "layers")
    if seeds > 1:
        spread = table["test_accuracy"].std(ddof=1)
        print(
            f"Test accuracy {table['test_accuracy'].mean():.4f} (s.d. {spread:.4f}, {seeds} seeds)"
        )
    centroids = table.get("nearest_centroid_accuracy")
    if centroids is not None and centroids.notna().any():
        print(f"Without a readout (nearest mean activity of a class): {centroids.mean():.4f}")
    for folder in table["folder"]:
        print(f"Run: {folder}")


def _training_config(
    recipe: str | None, given: dict[str, Any], seed: int
) -> TrainConfig | STDPConfig:
    """The configuration that the options ask for; a shipped recipe fills in what they leave out."""
    from spikelearn._files import shipped_names, validate
    from spikelearn.experiments.config import STDPConfig, TrainConfig, load_recipe
    from spikelearn.rules import RULES

    rule = given.get("rule")
    if recipe is None and rule is None:
        raise SpikelearnError("give --rule or --recipe; `spikelearn rules` lists the rules")
    if rule is not None and rule not in RULES:
        raise SpikelearnError(f"there is no rule called '{rule}'; rules are {', '.join(RULES)}")
    if recipe is None and rule is not None and "model" not in given:
        shipped = shipped_names("models/recipes")
        for kind in RULES[rule].networks:
            usual = f"{given.get('dataset', 'mnist')}_{kind}/{rule}"
            if usual in shipped:
                recipe = usual
                _say(f"Recipe: {recipe}")
                break
    if recipe is not None:
        config = load_recipe(recipe)
        if rule is not None and rule != config.rule:
            raise SpikelearnError(f"the recipe '{recipe}' is for the rule '{config.rule}'")
        options = {**config.options, **given.pop("options", {})}
        return load_recipe(recipe, **given, options=options, seed=seed)
    kinds = RULES[str(rule)].networks
    model = _first_model(kinds, given.get("dataset", "mnist"))
    given = {"model": model, **given, "seed": seed}
    return validate(STDPConfig if "spiking" in kinds else TrainConfig, given, "the options")


def _settings(pairs: list[str]) -> dict[str, Any]:
    """The values of name=value, read as YAML: numbers, true and false, lists, or text."""
    import yaml

    settings = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise SpikelearnError(f"--option takes name=value, found '{pair}'")
        try:
            settings[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise SpikelearnError(f"--option {name}: '{value}' cannot be read") from error
    return settings


@app.command()
@plainly
def check(
    subject: Annotated[
        str,
        typer.Argument(
            help="A shipped rule, one of your own as my_rule.py:MyRule, or a simulation backend."
        ),
    ],
    seed: Seed = 0,
) -> None:
    """Test the properties that every learning rule, or every backend, must have.

    A file that is named is run: check only code that you trust.

    Example: spikelearn check my_rule.py:MyRule
    """
    import pandas as pd

    from spikelearn.simulation import BACKENDS

    if subject in BACKENDS:
        from spikelearn.simulation.checks import check_backend, describe_properties

        results, says = check_backend(subject, seed, False), describe_properties()
    else:
        from spikelearn.rules import own_rule
        from spikelearn.rules.checks import check_rule
        from spikelearn.rules.checks import describe_properties as describe_rules

        rule = own_rule(subject) if ":" in subject else subject
        results, says = check_rule(rule, None, seed, False), describe_rules()
    words = {True: "passed", False: "FAILED", None: "does not apply"}
    rows = [(says[r.property], words[r.passed], r.detail) for r in results]
    _table(pd.DataFrame(rows, columns=["property", "result", "detail"]), subject)
    if any(r.passed is False for r in results):
        kind = "backend" if subject in BACKENDS else "learning rule"
        raise SpikelearnError(f"{subject} lacks a property that every {kind} must have")


# The model for a kind of network: the usual one, and those that fit other data sets' images.
_MODELS: dict[str, dict[str, str]] = {
    "mlp": {"": "mlp_784", "digits": "mlp_64"},
    "cnn": {"": "cnn_28", "cifar10": "cnn_32", "svhn": "cnn_32"},
    "residual_mlp": {"": "residual_mlp_784"},
    "elman": {"": "elman_28", "text": "elman_text"},
    "gru": {"": "gru_28", "text": "gru_text"},
    "spiking_mlp": {"": "snn_784"},
    "spiking": {"": "competitive_stdp"},
}


def _first_model(kinds: tuple[str, ...], dataset: str) -> str:
    """The first shipped model of these kinds that is made for the data set; else the usual one."""
    for kind in kinds:
        if dataset in _MODELS[kind]:
            return _MODELS[kind][dataset]
    return _MODELS[kinds[0]][""]


@app.command()
@plainly
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of training runs.")],
    recording: Annotated[str, typer.Option(help="Image recording.")] = "kriegeskorte92",
    backend: Backend = "norse",
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Resamples of the stimuli for confidence intervals.")
    ] = 1000,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="File for the whole table: .parquet or .csv.")
    ] = None,
) -> None:
    """Compare trained networks with a recorded brain (representational similarity analysis).

    Each network's untrained twin, the pixels and the mean luminance stand in the same table.

    Example: spikelearn compare runs/mlp_784-backprop-seed0-* --out similarity.parquet
    """
    from spikelearn._progress import progress_bars
    from spikelearn.experiments import compare as run

    if out is not None:
        _check_table_path(out)
    with progress_bars() as bar:
        table = run(runs, recording, backend, bootstrap, seed, bar(f"comparing with {recording}"))
    shown = table[table["subject"].isin(["mean"]) | (table["region"] == "monkey IT")]
    columns = ["model", "network", "layer", "seed", "region", "score", "ci_lower", "ci_upper"]
    _table(
        shown[[*columns, "ceiling_lower", "ceiling_upper", "n_stimuli"]],
        f"{recording}: Spearman correlation of RDMs (human IT: mean over subjects)",
    )
    for flag in dict.fromkeys(shown.loc[shown["flag"] != "", "flag"]):
        print(f"Note: {flag}")
    if out is not None:
        _write_table(table, out)


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


@app.command()
@plainly
def download(
    name: Annotated[
        str, typer.Argument(help="mnist, fashion_mnist, cifar10, svhn or kriegeskorte92.")
    ],
    seed: NoSeed = 0,
) -> None:
    """Bring a data set or a recording into the cache: 4 MB (kriegeskorte92) to 250 MB (svhn)."""
    from spikelearn import recordings
    from spikelearn._files import cache_folder
    from spikelearn.stimuli.datasets import DATASETS, dataset_module

    if name in DATASETS:
        dataset_module(name).download(_say)
    elif name == "kriegeskorte92":
        recordings.load(name, progressbar=True)
    else:
        raise SpikelearnError(
            f"there is nothing to download called '{name}'; there are {', '.join(DATASETS)},"
            " kriegeskorte92"
        )
    print(f"{name} is at hand (cache: {cache_folder()}).")


@app.command()
@plainly
def rules(seed: NoSeed = 0) -> None:
    """List the learning rules and the kind of model each trains."""
    from spikelearn.rules import RULES

    _list((name, ", ".join(e.networks), e.description) for name, e in RULES.items())


@app.command()
@plainly
def recipes(seed: NoSeed = 0) -> None:
    """List the shipped training recipes: data set and kind of network, rule, model, epochs."""
    from spikelearn._files import shipped_names
    from spikelearn.experiments.config import load_recipe

    found = [(name, load_recipe(name)) for name in shipped_names("models/recipes")]
    _list((name, config.model, f"{config.epochs} epochs") for name, config in found)


@app.command()
@plainly
def datasets(seed: NoSeed = 0) -> None:
    """List the labelled image data sets that networks are trained on."""
    from spikelearn.stimuli.datasets import DATASETS, resolve_source

    # The source is what this machine has, or would download.
    _list((name, resolve_source(name), entry.description) for name, entry in DATASETS.items())


@app.command()
@plainly
def models(seed: NoSeed = 0) -> None:
    """List the shipped models."""
    from spikelearn._files import find_yaml, read_yaml, shipped_names

    contents = {name: read_yaml(find_yaml("models", name)) for name in shipped_names("models")}
    _list((name, c["kind"], _first_sentence(c)) for name, c in contents.items())


@app.command()
@plainly
def stimuli(seed: NoSeed = 0) -> None:
    """List the shipped stimuli."""
    from spikelearn._files import find_yaml, read_yaml, shipped_names

    contents = {name: read_yaml(find_yaml("stimuli", name)) for name in shipped_names("stimuli")}
    _list((name, c["kind"], _first_sentence(c)) for name, c in contents.items())


@app.command()
@plainly
def recordings(seed: NoSeed = 0) -> None:
    """List the recordings of brain activity, and whether each is at hand."""
    import importlib

    from spikelearn.recordings import RECORDINGS

    rows = []
    for name, line in RECORDINGS.items():
        at_hand = importlib.import_module(f"spikelearn.recordings.{name}").at_hand()
        rows.append((name, "at hand" if at_hand else "to download", line))
    _list(rows)


def _first_sentence(content: dict[str, Any]) -> str:
    text: str = content.get("description", "")
    return text.split(". ", maxsplit=1)[0].rstrip(".")


def _list(rows: Iterable[tuple[str, str, str]]) -> None:
    """Name, kind and one line each; lines are not wrapped, so that they can be searched."""
    rows = list(rows)
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    for name, kind, line in rows:
        print(f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {line}")


def _table(table: pd.DataFrame, title: str) -> None:
    from rich.console import Console

    console = Console()
    shown = _rich_table(table, title, narrow=False)
    unbounded = console.options.update(max_width=10_000)
    if console.measure(shown, options=unbounded).maximum > console.width:
        shown = _rich_table(table, title, narrow=True)
    console.print(shown)


def _rich_table(table: pd.DataFrame, title: str, narrow: bool) -> RichTable:
    """The table to print; a narrow one breaks its headings behind the underscores."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(
        title=Text(title), title_justify="left", box=None, pad_edge=False, collapse_padding=narrow
    )
    for column in table.columns:
        numeric = table[column].dtype.kind in "fi"
        heading = str(column).replace("_", "_\n") if narrow else str(column)
        shown.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in table.itertuples(index=False):
        shown.add_row(*(Text(_shown(value)) for value in row))
    return shown


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.3f}"  # noqa: PLR0124 - NaN alone differs
    return str(value)


def main() -> None:
    """Entry point of the `spikelearn` command."""
    app()
