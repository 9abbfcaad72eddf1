"""Commands that train networks, and check rules and backends."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._interrupts import keeping
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import (
    Again,
    Changes,
    Seed,
    app,
    changes,
    given_once,
    plain_warnings,
    plainly,
    print_changes,
    settings,
)
from spikelearn.cli._output import failed as tell_failed
from spikelearn.cli._output import give, note, print_line, say, wrote
from spikelearn.cli._shared_training import Ranks, TrainingThreads, shared_training
from spikelearn.cli._tables import print_table
from spikelearn.cli._training_options import (
    BatchSize,
    Dataset,
    Device,
    Epochs,
    FirstSeed,
    Images,
    LearningRate,
    Model,
    Momentum,
    Neurons,
    Optimizer,
    Patience,
    Recipe,
    Rule,
    RuleOptions,
    Schedule,
    Seeds,
    TensorBoard,
    Validation,
    WeightDecay,
    named_as_given,
    option_of,
)
from spikelearn.cli._worker_options import (
    ONE,
    Cluster,
    Limit,
    Scheduler,
    Threads,
    WorkersOption,
    chosen_workers,
)
from spikelearn.cli.audit import MOST_SEEDS, listed_seeds

if TYPE_CHECKING:
    from spikelearn._workers import Workers
    from spikelearn.training import STDPConfig, TrainConfig


@app.command()
@plainly
def train(
    network: Annotated[
        str | None,
        typer.Argument(
            autocompletion=completions.models_and_runs,
            help="Model, by name or path, the same as --model; or a run's folder or config.yaml,"
            " which is trained again, the same as --recipe.",
        ),
    ] = None,
    rule: Rule = None,
    recipe: Recipe = None,
    model: Model = None,
    dataset: Dataset = None,
    epochs: Epochs = None,
    images: Images = None,
    option: RuleOptions = None,
    neurons: Neurons = None,
    learning_rate: LearningRate = None,
    batch_size: BatchSize = None,
    optimizer: Optimizer = None,
    momentum: Momentum = None,
    weight_decay: WeightDecay = None,
    schedule: Schedule = None,
    patience: Patience = None,
    validation_fraction: Validation = None,
    device: Device = None,
    seed: FirstSeed = None,
    seeds: Seeds = "1",
    setting: Changes = None,
    workers: WorkersOption = ONE,
    scheduler: Scheduler = "",
    cluster: Cluster = None,
    threads_per_worker: Threads = 1,
    limit: Limit = None,
    tensorboard: TensorBoard = None,
    ranks: Ranks = 1,
    threads: TrainingThreads = None,
    again: Again = False,
    out: Annotated[Path, typer.Option(help="Folder of runs; each gets a folder in it.")] = Path(
        "runs"
    ),
) -> None:
    """Train a network on images by a learning rule, and test it on held-out images.

    A run that is complete is read, not computed again, if all that decides it is the same: options
    and their defaults, model, data, the rule's code. One that was interrupted goes on. `spikelearn
    runs` lists what is there, and how it differs from today's. A seed that fails stops no other.

    A rule's file that is named is run, and its run keeps a copy of it: train only by code that you
    trust.

    Example: spikelearn train --rule feedback_alignment --epochs 10 --seeds 3 --workers 3
    Example: spikelearn train --rule my_rule.py:MyRule --option rate=0.5 --dataset digits
    Example: spikelearn train diehl_cook2015 --stimuli mnist --epochs 3 --out runs/dc400
    Example: spikelearn train --rule backprop --optimizer sgd --momentum 0.9 --batch-size 32
    --schedule cosine --set 'network.sizes[1]=100'
    Example: spikelearn train runs/mlp_784-backprop-seed0-98eba36f08/config.yaml --seed 1
    Example: spikelearn train --recipe cifar10_cnn/backprop --ranks 2
    """
    from spikelearn.training.recipes import is_recipe

    if network is not None and is_recipe(network):
        if recipe is not None:
            raise SpikelearnError(f"two recipes are given: '{network}' and '{recipe}'")
        network, recipe = None, network
    if network is not None and model is not None and network != model:
        raise SpikelearnError(f"two models are given: '{network}' and, by --model, '{model}'")
    named = {
        "rule": rule, "model": network or model, "dataset": dataset, "n_train": images,
        "epochs": epochs, "learning_rate": learning_rate, "batch_size": batch_size,
        "optimizer": optimizer, "momentum": momentum, "weight_decay": weight_decay,
        "schedule": schedule, "patience": patience, "validation_fraction": validation_fraction,
        "device": device, "n_neurons": neurons, "seed": seed,
    }  # fmt: skip
    given: dict[str, Any] = {k: v for k, v in named.items() if v is not None}
    if option:
        given["options"] = settings(option)
    changed, of_network = changes(setting, "network")
    if of_network:
        given["changes"] = of_network
    own: list[tuple[str, ...]] = [(name,) for name in given if name != "options"]
    own += [("options", name) for name in given.get("options", {})]
    with plain_warnings(), named_as_given(list(given)):
        first = _training_config(recipe, given)
    if changed:
        given_once(first, changed, own)
        first = first.changed(changed)
    print_changes(changed, of_network, parts=("network",))
    _note_own_settings(first, given)
    configs = [first.changed("seed", one) for one in _seeds(seeds, seed, first.seed)]
    who = chosen_workers(workers, scheduler, cluster, threads_per_worker, limit)
    shared = shared_training(who, ranks, threads)
    _train_and_print(configs, out, who, again, {"tensorboard": tensorboard, **shared})


def _seeds(text: str, given: int | None, first: int) -> list[int]:
    """The seeds that --seeds asks for: so many from the first, or those that it names."""
    if text.isdecimal() and 0 < int(text) <= MOST_SEEDS:
        return [first + number for number in range(int(text))]
    if text.isdecimal():
        raise SpikelearnError(f"--seeds takes a number from 1 to {MOST_SEEDS}, found {text}")
    if given is not None:
        raise SpikelearnError("--seeds names the seeds, so --seed would name one more; give one")
    return listed_seeds(text)


def _train_and_print(
    configs: list[TrainConfig | STDPConfig],
    out: Path,
    workers: Workers,
    again: bool,
    options: dict[str, Any],
) -> None:
    """Train by each configuration, print what the runs measured, and tell which failed."""
    from spikelearn._atomic import check_folder
    from spikelearn._progress import progress_bars
    from spikelearn._work_in_folder import Failed
    from spikelearn.training.several_runs import kept_of, train_each

    check_folder(out)
    if options["tensorboard"] is not None and workers.elsewhere:
        note("logs for TensorBoard lie where the workers run, at the path that is given")
    runs: dict[int, Any] = {}
    with keeping(lambda: kept_of(configs, out, workers)):
        with progress_bars() as bars, plain_warnings():
            for config, run in train_each(configs, out, workers, bars, again, say, options):
                runs[config.seed] = run
        found = [runs[config.seed] for config in configs]  # not in the order they were done
        failed = {c.seed: r for c, r in zip(configs, found, strict=True) if isinstance(r, Failed)}
        if len(failed) < len(found):
            _print_runs(configs[0], [run for run in found if not isinstance(run, Failed)])
    for seed, why in failed.items():
        tell_failed(f"seed {seed}: {why.sentence}")
    if failed:
        raise SpikelearnError(
            f"{len(failed)} of {counted(len(found), 'run')} failed; the same command tries them"
            " again"
        )


def _note_own_settings(config: TrainConfig | STDPConfig, given: Collection[str]) -> None:
    """Which parameters an option does not reach, since the recipe gives them their own setting."""
    groups: dict[str, Any] = dict(getattr(config, "groups", {}))
    for field in ("optimizer", "learning_rate", "momentum", "weight_decay"):
        values = {name: getattr(group, field) for name, group in groups.items()}
        own = [f"{name} ({value})" for name, value in values.items() if value is not None]
        if own and field in given:
            note(
                f"{option_of(field)} does not reach {', '.join(own)}, whose"
                f" {field.replace('_', ' ')} is of its own by the recipe; --set"
                f" groups.NAME.{field}=VALUE does"
            )


def _print_runs(first: TrainConfig | STDPConfig, runs: list[Any]) -> None:
    """What runs that differ in their seed measured, and where they are."""
    import pandas as pd

    from spikelearn.training import STDPConfig

    table = pd.DataFrame([{"seed": r.config["seed"], **r.summary} for r in runs])
    shown = ["seed", "test_accuracy", "validation_accuracy", "best_epoch", "n_test", "flag"]
    give("rule", first.rule)
    give("model", first.model)
    whole = table.assign(run=[str(r.folder) for r in runs], origin=[r.origin for r in runs])
    print_table(table[shown], f"{first.rule} on {first.model}", "runs", whole)
    layers = pd.concat([r.layers.assign(seed=r.config["seed"]) for r in runs])
    print_table(layers[["seed", *runs[0].layers.columns]], "layers")
    if len(runs) > 1:
        mean, spread = table["test_accuracy"].mean(), table["test_accuracy"].std(ddof=1)
        print_line(f"Test accuracy {mean:.4f} (s.d. {spread:.4f}, {counted(len(runs), 'seed')})")
    centroids = table.get("nearest_centroid_accuracy")
    if centroids is not None and centroids.notna().any():
        print_line(f"Without a readout (nearest mean activity of a class): {centroids.mean():.4f}")
    for run in runs:
        wrote("Run", run.folder)
        if run.origin != "trained now":
            print_line(f"{run.origin[0].upper()}{run.origin[1:]}")
        if isinstance(first, STDPConfig):
            wrote("Receptive fields", _receptive_fields(run.folder))


def _receptive_fields(folder: Path) -> Path:
    from spikelearn.networks import SpikingNetwork
    from spikelearn.networks.projections import UNITS
    from spikelearn.report.receptive_fields import save_receptive_fields
    from spikelearn.training import open_stdp_run
    from spikelearn.training.stdp_layer import plastic_projection, weight_matrix

    run = open_stdp_run(folder)
    layer = plastic_projection(SpikingNetwork(**run.config["network"]))
    weights = weight_matrix(run.network, layer.name)
    unit = UNITS[layer.unit]
    return save_receptive_fields(weights, folder / "receptive_fields.png", run.labels, unit)


def _training_config(recipe: str | None, given: dict[str, Any]) -> TrainConfig | STDPConfig:
    """The configuration that the options ask for; a shipped recipe fills in what they leave out."""
    from spikelearn._files import validate
    from spikelearn._store import StoredResultWarning
    from spikelearn.networks import load_model
    from spikelearn.rules import known_name, rule_entry
    from spikelearn.training.config import STDPConfig, TrainConfig
    from spikelearn.training.recipes import load_recipe, recipe_with
    from spikelearn.training.usual import (
        DATASET,
        is_plastic,
        usual_dataset,
        usual_model,
        usual_recipe,
    )

    rule = given.get("rule")
    model = given.get("model")
    if recipe is None and rule is None and model is not None and is_plastic(load_model(model)):
        rule = given["rule"] = "stdp"
    if recipe is None and rule is None:
        raise SpikelearnError("give --rule or --recipe; `spikelearn rules` lists the rules")
    if rule is not None:
        rule = given["rule"] = known_name(rule)
    if recipe is None and rule is not None:
        recipe = usual_recipe(rule, model, given.get("dataset", DATASET))
        if recipe is not None:
            say(f"Recipe: {recipe}")
    if recipe is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StoredResultWarning)  # told when it is read again
            config = load_recipe(recipe)
        if rule is not None and rule != config.rule_place:
            raise SpikelearnError(f"the recipe '{recipe}' is for the rule '{config.rule}'")
        _check_options(type(config), config.rule, given)
        return recipe_with(recipe, given)
    kind = STDPConfig if rule_entry(rule).simulated else TrainConfig
    _check_options(kind, str(rule), given)
    model = model or usual_model(str(rule), given.get("dataset", DATASET))
    if "dataset" not in given and (dataset := usual_dataset(load_model(model))) != DATASET:
        given["dataset"] = dataset
        say(f"Data set: {dataset}")
    return validate(kind, {"model": model, **given}, "the options")


def _check_options(kind: type[TrainConfig | STDPConfig], rule: str, given: dict[str, Any]) -> None:
    """Refuse what is not of this kind of training."""
    for field in given:
        if field == "n_neurons" and field not in kind.model_fields:
            raise SpikelearnError(
                f"--neurons is for layers that STDP trains; the rule here is '{rule}', whose"
                " networks are described in full by their models"
            )
        if field not in kind.model_fields:
            raise SpikelearnError(
                f"{option_of(field)} is not for the rule '{rule}', which"
                " is part of a spiking network's description; --set changes what that says"
            )


@app.command()
@plainly
def check(
    checked: Annotated[
        str,
        typer.Argument(
            metavar="RULE_OR_BACKEND",
            autocompletion=completions.rules_and_backends,
            help="A shipped rule, one of your own as my_rule.py:MyRule, or a simulation backend.",
        ),
    ],
    option: RuleOptions = None,
    seed: Seed = 0,
) -> None:
    """Test the properties that every learning rule, or every backend, must have.

    A file that is named is run: check only code that you trust. What it raises is told with its
    line, as a property that it lacks.

    Example: spikelearn check my_rule.py:MyRule
    """
    import pandas as pd

    from spikelearn.simulation import BACKENDS

    is_backend = checked.partition(":")[0] in BACKENDS
    if is_backend:
        from spikelearn.simulation.checks import check_backend, describe_properties

        if option:
            raise SpikelearnError("--option is a setting of a rule; a backend has none")
        results, says = check_backend(checked, seed, False), describe_properties()
    else:
        from spikelearn.rules.checks import check_rule
        from spikelearn.rules.checks import describe_properties as describe_rules

        options = settings(option or [])
        results, says = check_rule(checked, None, seed, False, **options), describe_rules()
    words = {True: "passed", False: "FAILED", None: "does not apply"}
    rows = [(says[r.property], words[r.passed], r.detail) for r in results]
    table = pd.DataFrame(rows, columns=["property", "result", "detail"])
    print_table(table, checked, "properties")
    if any(r.passed is False for r in results):
        kind = "backend" if is_backend else "learning rule"
        raise SpikelearnError(f"{checked} lacks a property that every {kind} must have")
