"""How accurate does each learning rule become, on one data set and one kind of network?

    python benchmarks/accuracy.py --dataset mnist --network mlp
    python benchmarks/accuracy.py --dataset fashion_mnist --network mlp --seeds 1
    python benchmarks/accuracy.py --table dll --seeds 2
    python benchmarks/accuracy.py --family spiking --seeds 1
    python benchmarks/accuracy.py --family stdp --rules stdp,stdp_1600 --seeds 1
    python benchmarks/accuracy.py --dataset text --network gru --seeds 1
    python benchmarks/accuracy.py --dataset mnist --network mlp --only controls --rules oja,sanger
    python benchmarks/accuracy.py --dataset mnist --network mlp --only tables

Every recipe in models/recipes/<dataset>_<network>/ is trained with each seed; hyper-parameters and
epochs were and are chosen on validation images, and the test images are read once a run. Beside
each run stand its controls: a linear readout of the input, and one of random features of its own
width (`spikelearn.training.controls`). A row that a test does not tell to be above both is "no
better than" them, in the table: paired by seed, for other test images too.

What is measured is kept in benchmarks/results/accuracy_<dataset>_<network>.csv, a row a run, with
the commit that made it and its controls, and is not measured again until its recipe changes; the
table beside it (.md) is made from these rows, and says which were made before their recipe or the
code of their rule last changed. Uncommitted code is refused: nobody could make such a row again.
The benchmark may be interrupted and goes on, and --limit-minutes lets it run in pieces. Every run
has one thread: several at a time (--jobs) do not slow one another down.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import multiprocessing
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from spikelearn._atomic import atomic_path
from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_names, write_text
from spikelearn._progress import progress_bars
from spikelearn._provenance import as_lines, commit, provenance
from spikelearn.stimuli.datasets import resolve_source
from spikelearn.training.config import run_key
from spikelearn.training.recipes import load_recipe

HERE = Path(__file__).parent
RESULTS = HERE / "results"
# The published comparison on one network, Lv et al. 2025 (arXiv 2501.09976, table 1).
FOLDERS = {"dll": "mnist_dll"}
FAMILIES = {"spiking": "mnist_spiking_mlp", "stdp": "mnist_diehl_cook2015"}
COLUMNS = [
    "recipe", "rule", "seed", "model", "test_accuracy", "validation_accuracy",
    "nearest_centroid_accuracy", "best_epoch", "epochs", "seconds", "n_train", "n_test", "source",
    "flag", "weight_displacement", "dead_units", "gradient_cosine", "config", "commit", "machine",
    "versions", "date", "linear_readout", "random_features", "controls_commit",
]  # fmt: skip
# Recipes that are a control themselves: nothing below their readout learns.
CONTROL_RECIPES = ("random_features", "random_recurrence", "homeostasis")
CONTROLS = ("linear_readout", "random_features")


def main() -> None:
    options = parse()
    folder = f"{options.dataset}_{options.network}"
    folder = FOLDERS.get(options.table, FAMILIES.get(options.family, folder))
    names = [n for n in shipped_names("models/recipes") if n.startswith(f"{folder}/")]
    if options.rules:
        names = [n for n in names if n.split("/")[1] in options.rules.split(",")]
    if not names:
        sys.exit(f"no recipe in models/recipes/{folder} fits")
    store = RESULTS / f"accuracy_{folder}.csv"
    rows = read(store)
    if options.only != "tables":
        refuse_uncommitted(commit())
        refuse_other_images(store, rows, names)
        run_all(options, folder, store, rows, names)
    write_table(folder, rows)
    print((RESULTS / f"accuracy_{folder}.md").read_text())


def refuse_uncommitted(made_by: str) -> None:
    """Stop where the code that would measure is in no commit."""
    if made_by.endswith("+"):
        sys.exit(
            "spikelearn/ or models/ differ from the last commit: a row of them could not be made"
            " again; commit the changes, or take them away"
        )


def refuse_other_images(store: Path, rows: list[dict[str, Any]], names: list[str]) -> None:
    """Stop where the rows are of other images than those at hand."""
    shipped = {*names, *(row["recipe"] for row in rows)} & {*shipped_names("models/recipes")}
    sources = {name: resolve_source(load_recipe(name).dataset) for name in shipped}
    elsewhere = {r["source"] for r in rows if sources.get(r["recipe"], r["source"]) != r["source"]}
    if elsewhere:
        sys.exit(
            f"{store.name} has rows of other images ({', '.join(sorted(elsewhere))}) than those at"
            " hand: set SPIKELEARN_DATA to their folder, or move the file away to begin anew"
        )


def waiting_jobs(
    options: argparse.Namespace, rows: list[dict[str, Any]], names: list[str]
) -> list[tuple[str, int]]:
    """Recipes and seeds that are to be measured; of controls, those whose row has none."""
    if options.only == "controls":
        bare = {(r["recipe"], int(r["seed"])) for r in rows if not r["controls_commit"]}
        return [(n, s) for s in range(options.seeds) for n in names if (n, s) in bare]
    current = {name: digest_of(name) for name in names}
    known = {(r["recipe"], int(r["seed"])) for r in rows if current.get(r["recipe"]) == r["config"]}
    # Seeds outermost: an interrupted benchmark has the first seed of every rule first.
    return [(n, s) for s in range(options.seeds) for n in names if (n, s) not in known]


def run_all(
    options: argparse.Namespace,
    folder: str,
    store: Path,
    rows: list[dict[str, Any]],
    names: list[str],
) -> None:
    """Measure what is waiting, several at a time; each is written when it is done."""
    measured = add_controls if options.only == "controls" else measure
    waiting = waiting_jobs(options, rows, names)
    started = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with (
        progress_bars() as bar,
        concurrent.futures.ProcessPoolExecutor(options.jobs, mp_context=context) as pool,
    ):
        say = bar(f"accuracy, {folder}")
        total, done, running = len(waiting), 0, {}
        say(0.0, f"{total} runs to do")
        while waiting or running:
            late = time.monotonic() - started > 60 * options.limit_minutes
            while waiting and not late and len(running) < options.jobs:
                job = waiting.pop(0)
                running[pool.submit(measured, *job, options.runs)] = job
            if not running:
                break
            finished, _ = concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in finished:
                name, seed = running.pop(future)
                done += 1
                try:
                    row = future.result()
                except Exception as error:  # one recipe that fails leaves the others their turn
                    print(f"{name}, seed {seed}: {type(error).__name__}: {error}", file=sys.stderr)
                    continue
                take(rows, row)
                write(store, rows)
                say(done / total, f"{name}, seed {seed}")


def take(rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
    """Put a row into the table, in the place of an older one of its recipe and seed."""
    for known in rows:
        if (known["recipe"], int(known["seed"])) == (row["recipe"], int(row["seed"])):
            known.update(row)
            return
    rows.append(row)


def parse() -> argparse.Namespace:
    """Command-line options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--network", default="mlp", help="mlp, cnn, elman, gru, spiking_cnn")
    parser.add_argument("--table", choices=sorted(FOLDERS), help="a published table instead")
    parser.add_argument(
        "--family", choices=sorted(FAMILIES),
        help="spiking: rules of spiking layers; stdp: Diehl and Cook's network",
    )  # fmt: skip
    parser.add_argument("--rules", help="only these, separated by commas")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--limit-minutes", type=float, default=float("inf"))
    parser.add_argument("--runs", type=Path, default=Path("runs/accuracy"), help="checkpoints")
    parser.add_argument(
        "--only",
        choices=("controls", "tables"),
        help="controls: train no network, run the controls that rows lack; tables: run nothing,"
        " write the table anew from the rows",
    )
    return parser.parse_args()


def digest_of(name: str) -> str:
    """The key of everything that decides a recipe's numbers, with the seed of the recipe."""
    return run_key(load_recipe(name).complete())[:12]


def measure(name: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train by a recipe; one row of the table."""
    import torch

    from spikelearn.training import train
    from spikelearn.training.stdp_training import STDPRun

    torch.set_num_threads(1)
    config = load_recipe(name, seed=seed)
    # A run that goes on from a checkpoint has taken what it took before, too.
    kept = runs / f".{config.run_name()}.seconds"
    before = float(kept.read_text()) if kept.is_file() else 0.0
    started = time.process_time()
    try:
        run = train(config, runs)
    finally:
        seconds = before + time.process_time() - started
        write_text(kept, f"{seconds:.1f}\n")
    layers = run.layers

    def by_layer(column: str) -> str:
        return " ".join(f"{value:.3g}" for value in layers[column])

    return {
        "recipe": name,
        "rule": config.rule,
        "seed": seed,
        "model": config.model,
        **{k: run.summary.get(k) for k in COLUMNS[4:8]},
        # Of layers that STDP trains a row stands for a part of an epoch.
        "epochs": config.epochs if isinstance(run, STDPRun) else len(run.epochs) - 1,
        "seconds": round(seconds, 1),
        "n_train": config.n_train or "all",
        "n_test": run.summary["n_test"],
        "source": run.config["source"],
        "flag": run.summary["flag"],
        "weight_displacement": by_layer("weight_displacement"),
        "dead_units": by_layer("dead_units"),
        "gradient_cosine": by_layer("gradient_cosine"),
        "config": digest_of(name),
        **provenance(),
        **controls(config, runs),
    }


def add_controls(name: str, seed: int, runs: Path) -> dict[str, Any]:
    """The controls of a row that was measured without."""
    import torch

    torch.set_num_threads(1)
    config = load_recipe(name, seed=seed)
    return {"recipe": name, "seed": seed, **controls(config, runs)}


def controls(config: Any, runs: Path) -> dict[str, Any]:
    """The columns of the controls."""
    from spikelearn.training.controls import controls_of

    found = controls_of(config, runs / "controls")
    return {
        "linear_readout": found.linear_readout,
        "random_features": "" if found.random_features is None else found.random_features,
        "controls_commit": commit(),
    }


def read(path: Path) -> list[dict[str, Any]]:
    """Rows measured before."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    # Of columns that an older file has not, nothing is known.
    return [{column: row.get(column) or "" for column in COLUMNS} for row in rows]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Keep the rows, sorted."""
    rows.sort(key=lambda row: (row["recipe"], int(row["seed"])))
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def write_table(folder: str, rows: list[dict[str, Any]]) -> None:
    """The table of a folder of recipes, as Markdown."""
    targets = yaml.safe_load((HERE / "targets.yaml").read_text()).get(folder, {})
    lines = [
        f"# Test accuracy, {folder.replace('_', ' ')}",
        "",
        "Mean over seeds, in per cent; epochs and settings chosen on validation images."
        " Controls: a linear readout of the input, and one of random features, the last hidden"
        " layer of the very network before any learning; the same seeds, training and test images."
        " Above a control is what a test tells from it, paired by seed, for other test images"
        " too (with one seed: of two binomial shares); differences in points with 95 % intervals."
        f" {chance_words(rows)}Displacement: norm of the weights' change over their norm at the"
        " start, by layer."
        " Cosine: of the last update with the gradient of backpropagation, by layer."
        " Seconds: of processor time, evaluation included. Made by: the commit of the row's runs"
        " (+: with changes that were never committed), and of its controls.",
        "",
        "| rule | model | seeds | test accuracy | s.d. | linear readout | random features"
        " | beside its controls | target | epochs | seconds"
        " | nearest centroid | displacement | dead units | cosine | made by | flag |",
        "|" + "---|" * 17,
    ]
    beside = standing(rows)
    for name in dict.fromkeys(row["recipe"] for row in rows):
        group = [row for row in rows if row["recipe"] == name]
        lines.append("| " + " | ".join(cells_of(group, targets, beside[name])) + " |")
    about = {
        key: ", ".join(sorted({str(row[key]) for row in rows}))
        for key in ("machine", "versions", "date", "source")
    }
    about["training images"] = ", ".join(sorted({str(row["n_train"]) for row in rows}))
    about |= {"standing": standing_words(rows)}
    lines += ["", f"Command: `python benchmarks/accuracy.py {command_of(folder)}`  "]
    lines += as_lines({key: value for key, value in about.items() if value})
    write_text(RESULTS / f"accuracy_{folder}.md", "\n".join(lines) + "\n")


def cells_of(group: list[dict[str, Any]], targets: dict[str, float], beside: str) -> list[str]:
    """The cells of a recipe's row.

    Parameters
    ----------
    group : list of dict
        Its runs, a seed each.
    targets : dict of str to float
        Accuracies to be reached, by rule.
    beside : str
        How it stands to its controls.
    """
    first, short = group[0], group[0]["recipe"].split("/")[1]
    accuracies = [100 * float(row["test_accuracy"]) for row in group]
    mean, target = statistics.mean(accuracies), targets.get(short)
    spread = f"{statistics.stdev(accuracies):.2f}" if len(group) > 1 else ""
    mark = "" if target is None else f"{target:g} {'reached' if mean >= target else 'missed'}"
    centroid = [100 * float(r["nearest_centroid_accuracy"] or "nan") for r in group]
    made = ", ".join(dict.fromkeys(row["commit"] for row in group))
    later = [row["controls_commit"] for row in group if row["linear_readout"] != ""]
    return [
        short, first["model"], str(len(group)), f"{mean:.2f}", spread,
        *(control_cell(group, control) for control in CONTROLS), beside, mark,
        str(first["epochs"]), f"{statistics.mean(float(r['seconds']) for r in group):.0f}",
        f"{statistics.mean(centroid):.1f}".replace("nan", ""),
        first["weight_displacement"], first["dead_units"], first["gradient_cosine"],
        made + (f"; controls {', '.join(dict.fromkeys(later))}" if later else ""), first["flag"],
    ]  # fmt: skip


def control_cell(group: list[dict[str, Any]], control: str) -> str:
    """Mean accuracy of a control over the seeds that have it, and how many these are."""
    found = [100 * float(row[control]) for row in group if row[control] != ""]
    if not found:
        return "none: no hidden layer" if group[0]["controls_commit"] else "not run"
    fewer = f" ({len(found)} of {len(group)} seeds)" if len(found) < len(group) else ""
    return f"{statistics.mean(found):.2f}{fewer}"


def standing(rows: list[dict[str, Any]]) -> dict[str, str]:
    """How every recipe stands to its controls, in words."""
    import pandas as pd

    from spikelearn.comparison.accuracies import control_table
    from spikelearn.report.accuracy_words import beside_controls

    runs = pd.DataFrame(rows).replace("", float("nan"))
    kinds = {"seed": int, "n_test": int, "test_accuracy": float}
    table = control_table(runs.astype(kinds | dict.fromkeys(CONTROLS, float)), ["recipe"])
    words = {str(name): beside_controls(part) for name, part in table.groupby("recipe")}
    for name in words:
        if name.split("/")[1] in CONTROL_RECIPES:
            words[name] = "is a control itself"
    return words


def chance_words(rows: list[dict[str, Any]]) -> str:
    """The share of the largest class, where the images are at hand."""
    from spikelearn.stimuli.datasets import load_dataset
    from spikelearn.training.measures import largest_share

    dataset = load_recipe(rows[0]["recipe"]).dataset
    try:
        labels = load_dataset(dataset, rows[0]["source"]).test_labels
    except SpikelearnError:
        return ""
    share = 100 * largest_share(labels)
    return f"Always giving the same answer reaches {share:.1f} at most. "


def standing_words(rows: list[dict[str, Any]]) -> str:
    """How many rows are not what today's recipes and rules would make, or cannot be told."""
    current: dict[str, str | None] = {}
    for name in {row["recipe"] for row in rows} & {*shipped_names("models/recipes")}:
        try:
            current[name] = digest_of(name)
        except SpikelearnError:  # its images are not at hand
            current[name] = None
    older = sum(current.get(r["recipe"], "") not in (None, r["config"]) for r in rows)
    words = []
    if older:
        words.append(
            f"{older} of {len(rows)} runs were made before their recipe, the code of their rule or"
            " the format of runs last changed"
        )
    if None in current.values():
        words.append("whether the recipes have changed since cannot be told without the images")
    return "; ".join(words)


def command_of(folder: str) -> str:
    """The options that make this table."""
    for option, places in (("table", FOLDERS), ("family", FAMILIES)):
        for name, place in places.items():
            if place == folder:
                return f"--{option} {name}"
    dataset, spiking, network = folder.rpartition("_spiking_")
    if spiking:
        return f"--dataset {dataset} --network spiking_{network}"
    dataset, _, network = folder.rpartition("_")
    return f"--dataset {dataset} --network {network}"


if __name__ == "__main__":
    main()
