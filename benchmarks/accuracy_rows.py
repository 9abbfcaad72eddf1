"""Rows of the tables of accuracy: a row a run, what makes it, and what refuses to.

A run that fails (its loss is no longer finite, it takes longer than it may) has a row, too, that
says why; it is not tried again until its recipe changes, or it is asked to be.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from spikelearn._atomic import atomic_path
from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._files import shipped_names, write_text
from spikelearn._provenance import commit, provenance
from spikelearn.rules import RULES
from spikelearn.stimuli.datasets import DATASETS, EVENT_DATASETS, data_key, resolve_source
from spikelearn.training.config import STDPConfig, TrainConfig, run_key
from spikelearn.training.recipes import load_recipe

RESULTS = Path(__file__).parent / "results"
COLUMNS = [
    "recipe", "rule", "seed", "model", "test_accuracy", "validation_accuracy",
    "nearest_centroid_accuracy", "best_epoch", "epochs", "seconds", "n_train", "n_test", "source",
    "flag", "weight_displacement", "dead_units", "gradient_cosine", "config", "commit", "machine",
    "versions", "date", "linear_readout", "random_features", "untrained_accuracy",
    "controls_commit", "processor_share",
]  # fmt: skip
CONTROLS = ("linear_readout", "random_features")
CORES = 2  # of the machine that the minutes of a run are of
FAILED = "failed: "

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Task:
    """A run to be measured.

    Attributes
    ----------
    recipe : str
    seed : int
    minutes : float
        That it may take of two cores, and so twice as many of one processor.
    """

    recipe: str
    seed: int
    minutes: float = float("inf")


class Measure:
    """What a worker does with a task: train, or go on, and run the controls; a row."""

    def __call__(self, task: Task, folder: Path) -> Row:
        """The row of a task; checkpoints are in the folder."""
        from spikelearn.training.several_runs import train_one

        config = load_recipe(task.recipe, seed=task.seed)
        refuse_choice_by_test(config)
        spent = Spent(folder / f".{config.run_name()}.seconds", 60 * CORES * task.minutes)
        bounded = {} if isinstance(config, STDPConfig) else {"after_epoch": spent.bound(config)}
        try:
            run = train_one(config, folder, _quiet, **bounded)
        finally:
            spent.keep()
        found = {
            **named(task, config),
            **{k: run.summary.get(k) for k in COLUMNS[4:8]},
            "seconds": round(spent.seconds, 1),
            "processor_share": "" if math.isnan(spent.share) else round(spent.share, 3),
            "n_test": run.summary["n_test"],
            "source": run.config["source"],
            "flag": run.summary["flag"],
            **{column: _by_layer(run.layers[column]) for column in COLUMNS[14:17]},
            **provenance(),
            **controls(config, folder),
        }
        if not isinstance(config, STDPConfig):
            # Of layers that STDP trains a row stands for a part of an epoch.
            found["epochs"] = len(run.epochs) - 1
            found["untrained_accuracy"] = float(run.epochs["validation_accuracy"].iloc[0])
        return found

    def uses_gpu(self, task: Task) -> bool:
        """Whether a task needs a GPU."""
        return getattr(load_recipe(task.recipe), "device", "cpu") == "cuda"


class AddControls(Measure):
    """The controls of a row that was measured without."""

    def __call__(self, task: Task, folder: Path) -> Row:
        """The columns of the controls."""
        config = load_recipe(task.recipe, seed=task.seed)
        return {"recipe": task.recipe, "seed": task.seed, **controls(config, folder)}


def named(task: Task, config: TrainConfig | STDPConfig) -> Row:
    """The columns that say which run it is."""
    return {
        "recipe": task.recipe,
        "rule": config.rule,
        "seed": task.seed,
        "model": config.model,
        "epochs": config.epochs,
        "n_train": config.n_train or "all",
        "config": digest_of(task.recipe),
    }


def failed_row(task: Task, sentence: str) -> Row:
    """The row of a run that failed, without accuracies."""
    config = load_recipe(task.recipe, seed=task.seed)
    return {
        **dict.fromkeys(COLUMNS, ""),
        **named(task, config),
        "source": resolve_source(config.dataset, config.source),
        "flag": FAILED + sentence,
        **provenance(),
    }


class Spent:
    """Processor time of a run, what it took before it was interrupted included.

    Beside it stands the time by the clock: a processor that other work shares does less in a second
    of its own, too, as its caches are emptied, and who compares seconds is to know.

    Parameters
    ----------
    file : Path
        In which it is kept.
    most_s : float
        That the run may take.
    """

    def __init__(self, file: Path, most_s: float) -> None:
        self.file, self.most_s = file, most_s
        kept = file.read_text().split() if file.is_file() else ["0", "0"]
        self.before = float(kept[0])
        # Of runs begun by an earlier version, how long they took by the clock is not known.
        self.clock_before = float(kept[1]) if len(kept) > 1 else math.nan
        self.started, self.clock_started = time.process_time(), time.monotonic()

    @property
    def seconds(self) -> float:
        """So far."""
        return self.before + time.process_time() - self.started

    @property
    def clock_seconds(self) -> float:
        """By the clock, while it ran; NaN where that is not known."""
        return self.clock_before + time.monotonic() - self.clock_started

    @property
    def share(self) -> float:
        """Of a processor, that it had."""
        return self.seconds / self.clock_seconds

    def keep(self) -> None:
        """Write it where the run, when it goes on, finds it."""
        clock = "" if math.isnan(self.clock_seconds) else f" {self.clock_seconds:.1f}"
        write_text(self.file, f"{self.seconds:.1f}{clock}\n")

    def bound(self, config: TrainConfig) -> Callable[[int, Any, float], None]:
        """What ends a run, after an epoch, that would take longer than it may.

        By the processor, so that a busy machine ends none; what is left over is not made shorter,
        as what is found would hang on the machine then.
        """
        last: dict[int, float] = {}

        def after_epoch(epoch: int, rule: Any, accuracy: float) -> None:
            last[epoch] = self.seconds
            self.keep()  # a process that is killed says nothing any more
            one = last[epoch] - last.get(epoch - 1, last[epoch])
            left = config.epochs - epoch
            if self.seconds > self.most_s or (left and self.seconds + one > self.most_s):
                raise SpikelearnError(
                    f"after {epoch} of {config.epochs} epochs it has taken"
                    f" {self.seconds / 60:.0f} minutes of a processor, and it may take"
                    f" {self.most_s / 60:g}"
                )

        return after_epoch


def _quiet(fraction: float, words: str) -> None:
    """Nothing is told while it trains."""


def _by_layer(values: Iterable[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


def controls(config: TrainConfig | STDPConfig, folder: Path) -> Row:
    """The columns of the controls."""
    from spikelearn.training.controls import controls_of

    found = controls_of(config, folder / "controls")
    return {
        "linear_readout": found.linear_readout,
        "random_features": "" if found.random_features is None else found.random_features,
        "controls_commit": commit(),
    }


def digest_of(recipe: str) -> str:
    """The key of everything that decides a recipe's numbers, with the seed of the recipe."""
    return run_key(load_recipe(recipe).complete())[:12]


def at_hand(recipes: list[str], tell: Callable[[str], None]) -> list[str]:
    """The recipes whose images are at hand, or can be had; of the others a sentence is told."""
    kept, lacking = [], dict[str, tuple[str, list[str]]]()
    for name in recipes:
        config = load_recipe(name)
        place = f"{config.dataset} ({config.source})"
        if place not in lacking:
            try:
                data_key(config.dataset, config.source)
            except DataUnavailableError as error:
                lacking[place] = str(error), []
            else:
                kept.append(name)
                continue
        lacking[place][1].append(name)
    for place, (why, names) in lacking.items():
        tell(f"{place}: {len(names)} recipes are left out, as its images are not there: {why}")
    return kept


def refuse_choice_by_test(config: TrainConfig | STDPConfig) -> None:
    """Stop a recipe by which test images may choose anything.

    A run chooses its epoch on validation images, which are training images that are kept apart.
    Data sets and rules that ship keep test images out of all of these; of images or a rule of
    one's own nobody can say so.

    Raises
    ------
    SpikelearnError
    """
    wrong = []
    if config.dataset not in (*DATASETS, *EVENT_DATASETS):
        wrong.append(f"the images {config.dataset}, whose training images may hold test images")
    if config.rule not in RULES:
        wrong.append(f"the rule {config.rule}, which may read test images")
    if wrong:
        raise SpikelearnError(
            f"test images choose nothing in these tables, and the recipe names"
            f" {' and '.join(wrong)}; name a data set and a rule that ship"
        )


def refuse_uncommitted(made_by: str) -> None:
    """Stop where the code that would measure is in no commit."""
    if made_by.endswith("+"):
        sys.exit(
            "spikelearn/ or models/ differ from the last commit: a row of them could not be made"
            " again; commit the changes, or take them away"
        )


def refuse_other_images(store: Path, rows: list[Row], names: list[str]) -> None:
    """Stop where the rows are of other images than those at hand."""
    shipped = {*names, *(row["recipe"] for row in rows)} & {*shipped_names("models/recipes")}
    sources = {}
    for name in shipped:
        config = load_recipe(name)
        sources[name] = resolve_source(config.dataset, config.source)
    elsewhere = {r["source"] for r in rows if sources.get(r["recipe"], r["source"]) != r["source"]}
    if elsewhere:
        sys.exit(
            f"{store.name} has rows of other images ({', '.join(sorted(elsewhere))}) than those at"
            " hand: set SPIKELEARN_DATA to their folder, or move the file away to begin anew"
        )


def waiting_tasks(
    rows: list[Row],
    names: list[str],
    seeds: int,
    only_controls: bool = False,
    again_failed: bool = False,
) -> list[tuple[str, int]]:
    """Recipes and seeds that are to be measured, in the order of seeds.

    Parameters
    ----------
    rows : list of dict
        Measured before.
    names : list of str
        Of recipes.
    seeds : int
        How many.
    only_controls : bool
        Whether rows are wanted that have no controls, and no others.
    again_failed : bool
        Whether runs that failed are tried again.
    """
    if only_controls:
        bare = {(r["recipe"], int(r["seed"])) for r in rows if not r["controls_commit"]}
        bare -= {(r["recipe"], int(r["seed"])) for r in rows if has_failed(r)}
        return [(n, s) for s in range(seeds) for n in names if (n, s) in bare]
    current = {name: digest_of(name) for name in names}
    known = {
        (r["recipe"], int(r["seed"]))
        for r in rows
        if current.get(r["recipe"]) == r["config"] and not (again_failed and has_failed(r))
    }
    # Seeds outermost: an interrupted benchmark has the first seed of every rule first.
    return [(n, s) for s in range(seeds) for n in names if (n, s) not in known]


def has_failed(row: Row) -> bool:
    """Whether a row is of a run that failed."""
    return str(row["flag"]).startswith(FAILED)


def take(rows: list[Row], row: Row) -> None:
    """Put a row into the table, in the place of an older one of its recipe and seed."""
    for known in rows:
        if (known["recipe"], int(known["seed"])) == (row["recipe"], int(row["seed"])):
            known.update(row)
            return
    rows.append({**dict.fromkeys(COLUMNS, ""), **row})


def read(path: Path) -> list[Row]:
    """Rows measured before."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    # Of columns that an older file has not, nothing is known.
    return [{column: row.get(column) or "" for column in COLUMNS} for row in rows]


def write(path: Path, rows: list[Row]) -> None:
    """Keep the rows, sorted."""
    rows.sort(key=lambda row: (row["recipe"], int(row["seed"])))
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def store_of(folder: str) -> Path:
    """The file of the rows of a folder of recipes."""
    return RESULTS / f"accuracy_{folder}.csv"
