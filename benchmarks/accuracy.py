"""How accurate does each learning rule become, on one data set and one kind of network?

    python benchmarks/accuracy.py --dataset mnist --network mlp
    python benchmarks/accuracy.py --dataset fashion_mnist --network mlp --seeds 1
    python benchmarks/accuracy.py --family spiking --seeds 1
    python benchmarks/accuracy.py --family stdp --rules stdp,stdp_1600 --seeds 1
    python benchmarks/accuracy.py --dataset text --network gru --seeds 1
    python benchmarks/accuracy.py --dataset mnist --network mlp --only controls --rules oja,sanger
    python benchmarks/accuracy.py --dataset mnist --network mlp --only tables

A published table, ten rules by six cells, each on its own network, our figures beside the published
ones (dll.yaml); all of it, or a part:

    python benchmarks/accuracy.py --table dll --seeds 1
    python benchmarks/accuracy.py --table dll --only mnist_mlp,cifar10_cnn/backprop
    python benchmarks/accuracy.py --table dll --workers 2 --limit-minutes 120
    python benchmarks/accuracy.py --table dll --plan            # what is missing, and its minutes
    python benchmarks/accuracy.py --dataset cifar10 --network strong --minutes 40

Every recipe in models/recipes/<dataset>_<network>/ is trained with each seed; hyper-parameters and
epochs were and are chosen on validation images, and the test images are read once a run. Beside
each run stand its controls: a linear readout of the input, one of random features of its own width
(`spikelearn.training.controls`), and the network untrained. A row that a test does not tell to be
above the first two is "no better than" them, in the table: paired by seed, for other test images
too.

What is measured is kept in benchmarks/results/accuracy_<dataset>_<network>.csv, a row a run, with
the commit that made it and its controls, and is not measured again until its recipe changes; the
table beside it (.md) is made from these rows, and says which were made before their recipe or the
code of their rule last changed. Uncommitted code is refused: nobody could make such a row again.
The benchmark may be interrupted and goes on, and --limit-minutes lets it run in pieces. Every run
has one thread: several at a time (--workers) do not slow one another down; with --scheduler they
are those of a Dask scheduler. A run that would take longer than it may (--minutes of two cores; of
a published table what that says) is ended, and has a row that says so.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from accuracy_rows import (
    CORES,
    RESULTS,
    AddControls,
    Measure,
    Row,
    Task,
    at_hand,
    failed_row,
    read,
    refuse_choice_by_test,
    refuse_other_images,
    refuse_uncommitted,
    store_of,
    take,
    waiting_tasks,
    write,
)
from accuracy_tables import write_table
from published_table import TABLES, PublishedTable

from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_names
from spikelearn._progress import progress_bars
from spikelearn._provenance import commit
from spikelearn._work_in_folder import Failed, outcomes_in
from spikelearn._workers import Workers
from spikelearn.stimuli.datasets import load_dataset
from spikelearn.training.config import TrainConfig
from spikelearn.training.recipes import load_recipe

FAMILIES = {"spiking": "mnist_spiking_mlp", "stdp": "mnist_diehl_cook2015"}
MODES = ("controls", "tables")


def main() -> None:
    options = parse()
    try:
        run(options)
    except SpikelearnError as error:
        sys.exit(str(error))


def run(options: argparse.Namespace) -> None:
    """Measure what is asked for and not there yet, and write the tables anew."""
    table = PublishedTable.named(options.table) if options.table else None
    only, cells = divided(options.only)
    if cells and table is None:
        raise SpikelearnError(
            f"--only {','.join(cells)} names parts of a published table; give --table with it, or"
            f" one of {', '.join(MODES)}"
        )
    by_folder = recipes_by_folder(options, table, cells)
    rows = {folder: read(store_of(folder)) for folder in by_folder}
    if only != "tables":
        names = [name for chosen in by_folder.values() for name in chosen]
        for name in names:
            refuse_choice_by_test(load_recipe(name))
        here = at_hand(names, _tell)
        for folder, chosen in by_folder.items():
            present = [name for name in chosen if name in here]
            refuse_other_images(store_of(folder), rows[folder], present)
        tasks = waiting(options, table, rows, here, only)
        if options.plan:
            tell_plan(tasks)
            return
        refuse_uncommitted(commit())
        run_all(options, tasks, rows, AddControls() if only else Measure())
    for folder, measured in rows.items():
        if measured:
            write_table(folder, measured, command_of(folder, options, table))
    written = [RESULTS / f"accuracy_{folder}.md" for folder, measured in rows.items() if measured]
    if table is not None:
        written = [table.write({cell: read(store_of(table.folder(cell))) for cell in table.cells})]
    for path in written:
        print(path.read_text(encoding="utf-8"))


def divided(only: str | None) -> tuple[str, list[str]]:
    """What `--only` says: controls or tables or nothing; and parts of a published table.

    Raises
    ------
    SpikelearnError
    """
    words = [word.strip() for word in only.split(",")] if only else []
    modes = [word for word in words if word in MODES]
    if len(modes) > 1:
        raise SpikelearnError(f"--only takes one of {' and '.join(MODES)}, found {only}")
    return "".join(modes), [word for word in words if word not in MODES]


def recipes_by_folder(
    options: argparse.Namespace, table: PublishedTable | None, cells: list[str]
) -> dict[str, list[str]]:
    """Recipes that are asked for, by their folders.

    Parameters
    ----------
    options : Namespace
    table : PublishedTable or None
    cells : list of str
        Parts of the table, as mnist_mlp or mnist_mlp/backprop; all of it where it is empty.

    Raises
    ------
    SpikelearnError
        If there are none.
    """
    if table is not None:
        by_folder = table.recipes(cells)
    else:
        folder = FAMILIES.get(options.family, f"{options.dataset}_{options.network}")
        shipped = shipped_names("models/recipes")
        by_folder = {folder: [name for name in shipped if name.startswith(f"{folder}/")]}
    if options.rules:
        rules = options.rules.split(",")
        by_folder = {
            folder: [name for name in names if name.split("/")[1] in rules]
            for folder, names in by_folder.items()
        }
    if not any(by_folder.values()):
        raise SpikelearnError(f"no recipe in models/recipes/{', '.join(by_folder)} fits")
    return {folder: names for folder, names in by_folder.items() if names}


def waiting(
    options: argparse.Namespace,
    table: PublishedTable | None,
    rows: dict[str, list[Row]],
    names: list[str],
    only: str,
) -> list[Task]:
    """What is to be measured, of every seed all that has it before the next.

    Parameters
    ----------
    options : Namespace
    table : PublishedTable or None
        Which says how long a run may take, and how many seeds there are.
    rows : dict
        By folder.
    names : list of str
        Recipes whose images are at hand.
    only : str
        "controls", or nothing.
    """
    found = []
    for folder, measured in rows.items():
        own = [name for name in names if name.startswith(f"{folder}/")]
        seeds, minutes = options.seeds or 3, options.minutes
        if table is not None:
            cell = table.cells[table.cell(folder)]
            seeds = options.seeds or cell.seeds
            minutes = min(minutes, cell.minutes)
        todo = waiting_tasks(measured, own, seeds, only == "controls", options.again_failed)
        found += [Task(name, seed, minutes) for name, seed in todo]
    return sorted(found, key=lambda task: task.seed)


@functools.cache
def n_images(dataset: str, source: str) -> int:
    """How many training images a data set has."""
    return len(load_dataset(dataset, source).train_labels)


def tell_plan(tasks: list[Task]) -> None:
    """Say what is to be measured, and about how long each takes, by a sample of its updates.

    That is time by the clock: on a busy machine it is longer than what a run may take of a
    processor.
    """
    from spikelearn.training.expected_costs import expected_costs

    minutes: dict[str, float] = {}
    for task in tasks:
        if task.recipe not in minutes:
            config = load_recipe(task.recipe)
            if config.n_train is None and isinstance(config, TrainConfig):  # read once for all
                config = load_recipe(task.recipe, n_train=n_images(config.dataset, config.source))
            costs = expected_costs(config)
            minutes[task.recipe] = costs.seconds / 60
            bound = f"{CORES * task.minutes:g} minutes of a processor"
            may = f"; it may take {bound}" if task.minutes < float("inf") else ""
            print(f"{task.recipe}: about {minutes[task.recipe]:.0f} minutes{may}")
    total = sum(minutes[task.recipe] for task in tasks)
    print(
        f"{len(tasks)} runs to do, about {total / 60:.1f} hours of one worker by the clock, as busy"
        " as this machine is now; updates alone"
    )


def run_all(
    options: argparse.Namespace, tasks: list[Task], rows: dict[str, list[Row]], work: Measure
) -> None:
    """Measure what is waiting, several at a time; each is written when it is done.

    Parameters
    ----------
    options : Namespace
    tasks : list of Task
    rows : dict
        By folder; what is measured is added.
    work : Measure
    """
    workers = Workers(1 if options.scheduler else options.workers, options.scheduler)
    if options.scheduler:  # whose workers have the toolkit, and not these files
        import accuracy_rows
        import cloudpickle

        cloudpickle.register_pickle_by_value(accuracy_rows)
    options.runs.mkdir(parents=True, exist_ok=True)
    with progress_bars() as bar:
        say = bar("accuracy")
        say(0.0, f"{len(tasks)} runs to do")
        begun = in_time(tasks, options.limit_minutes)
        found = outcomes_in(options.runs, work, begun, workers, _tell, work.uses_gpu)
        with contextlib.closing(found) as outcomes:
            for done, (task, outcome) in enumerate(outcomes, 1):
                keep(rows, task, outcome, isinstance(work, AddControls))
                say(done / len(tasks), f"{task.recipe}, seed {task.seed}")


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def keep(rows: dict[str, list[Row]], task: Task, outcome: Row | Failed, added: bool) -> None:
    """Write what came of a task; one that fails leaves the others their turn.

    Parameters
    ----------
    rows : dict
        By folder.
    task : Task
    outcome : dict or Failed
    added : bool
        Whether columns are added to a row, which stays as it is where that fails.
    """
    folder = task.recipe.split("/")[0]
    if isinstance(outcome, Failed):
        print(f"{task.recipe}, seed {task.seed}: {outcome.sentence}", file=sys.stderr)
        if outcome.passing or added:
            return
        outcome = failed_row(task, outcome.sentence)
    take(rows[folder], outcome)
    write(store_of(folder), rows[folder])


def in_time(
    tasks: list[Task], limit_minutes: float, clock: Callable[[], float] = time.monotonic
) -> Iterator[Task]:
    """The tasks, as long as there is time to begin another.

    Parameters
    ----------
    tasks : list of Task
    limit_minutes : float
    clock : callable
        Gives seconds.
    """
    started = clock()
    for task in tasks:
        if clock() - started > 60 * limit_minutes:
            return
        yield task


def parse() -> argparse.Namespace:
    """Command-line options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--network", default="mlp", help="mlp, cnn, strong, elman, spiking_cnn ...")
    parser.add_argument("--table", choices=sorted(TABLES), help="a published table instead")
    parser.add_argument(
        "--family", choices=sorted(FAMILIES),
        help="spiking: rules of spiking layers; stdp: Diehl and Cook's network",
    )  # fmt: skip
    parser.add_argument("--rules", help="only these, separated by commas")
    parser.add_argument("--seeds", type=_at_least_one, help="3, or what the table says")
    parser.add_argument("--workers", type=int, default=CORES, help="runs at a time")
    parser.add_argument("--scheduler", default="", help="address of a Dask scheduler instead")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="a run may take")
    parser.add_argument("--limit-minutes", type=float, default=float("inf"), help="begin no more")
    parser.add_argument("--runs", type=Path, default=Path("runs/accuracy"), help="checkpoints")
    parser.add_argument("--again-failed", action="store_true", help="try again what has failed")
    parser.add_argument("--plan", action="store_true", help="measure nothing, say what is missing")
    parser.add_argument(
        "--only",
        help="controls: train no network, run the controls that rows lack; tables: run nothing,"
        " write the table anew from the rows; of a published table also parts, as mnist_mlp or"
        " mnist_mlp/backprop, separated by commas",
    )
    return parser.parse_args()


def _at_least_one(given: str) -> int:
    if not given.isdecimal() or int(given) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, found {given!r}")
    return int(given)


def command_of(folder: str, options: argparse.Namespace, table: PublishedTable | None) -> str:
    """The options that make the table of a folder.

    Parameters
    ----------
    folder : str
    options : Namespace
    table : PublishedTable or None
        That the folder is a part of.
    """
    if table is not None:
        return f"--table {table.name} --only {table.cell(folder)}"
    for name, place in FAMILIES.items():
        if place == folder:
            return f"--family {name}"
    return f"--dataset {options.dataset} --network {options.network}"


if __name__ == "__main__":
    main()
