"""How accurate does each learning rule become, on one data set and one kind of network?

    python benchmarks/accuracy.py --dataset mnist --network mlp
    python benchmarks/accuracy.py --dataset fashion_mnist --network mlp --seeds 1
    python benchmarks/accuracy.py --table dll --seeds 2
    python benchmarks/accuracy.py --family spiking --seeds 1
    python benchmarks/accuracy.py --dataset text --network gru --seeds 1

Every recipe in models/recipes/<dataset>_<network>/ is trained with each seed; hyper-parameters and
epochs were and are chosen on validation images, and the test images are read once a run. What is
measured is kept in benchmarks/results/accuracy_<dataset>_<network>.csv, a row a run, and is not
measured again until its recipe changes; the table beside it (.md) is made from these rows. So the
benchmark may be interrupted and goes on, and --limit-minutes lets it run in pieces. Every run has
one thread: several at a time (--jobs) do not slow one another down.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import multiprocessing
import os
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from spikelearn._files import atomic_path, shipped_names, write_text
from spikelearn._progress import progress_bars
from spikelearn._provenance import as_lines, provenance
from spikelearn.stimuli.datasets import resolve_source
from spikelearn.training.config import load_recipe, run_key

HERE = Path(__file__).parent
RESULTS = HERE / "results"
# The published comparison on one network, Lv et al. 2025 (arXiv 2501.09976, table 1).
FOLDERS = {"dll": "mnist_dll"}
FAMILIES = {"spiking": "mnist_spiking_mlp"}
COLUMNS = [
    "recipe", "rule", "seed", "model", "test_accuracy", "validation_accuracy",
    "nearest_centroid_accuracy", "best_epoch", "epochs", "seconds", "n_train", "n_test", "source",
    "flag", "weight_displacement", "dead_units", "gradient_cosine", "config", "commit", "machine",
    "versions", "date",
]  # fmt: skip


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
    shipped = {*names, *(row["recipe"] for row in rows)} & {*shipped_names("models/recipes")}
    sources = {name: resolve_source(load_recipe(name).dataset) for name in shipped}
    elsewhere = {r["source"] for r in rows if sources.get(r["recipe"], r["source"]) != r["source"]}
    if elsewhere:
        sys.exit(
            f"{store.name} has rows of other images ({', '.join(sorted(elsewhere))}) than those at"
            " hand: set SPIKELEARN_DATA to their folder, or move the file away to begin anew"
        )
    current = {name: digest_of(name) for name in shipped}
    outdated = [row for row in rows if current.get(row["recipe"]) != row["config"]]
    if outdated:
        print(f"{len(outdated)} rows are by other recipes, rules or data: they are measured anew")
    rows = [row for row in rows if row not in outdated]
    known = {(row["recipe"], int(row["seed"])) for row in rows}
    # Seeds outermost: an interrupted benchmark has the first seed of every rule first.
    waiting = [(n, s) for s in range(options.seeds) for n in names if (n, s) not in known]
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
                running[pool.submit(measure, *job, options.runs)] = job
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
                rows.append(row)
                write(store, rows)
                say(done / total, f"{name}, seed {seed}: {100 * row['test_accuracy']:.2f} %")
    write_table(folder, rows)
    print((RESULTS / f"accuracy_{folder}.md").read_text())


def parse() -> argparse.Namespace:
    """Command-line options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--network", default="mlp", help="mlp, cnn, elman, gru, spiking_cnn")
    parser.add_argument("--table", choices=sorted(FOLDERS), help="a published table instead")
    parser.add_argument("--family", choices=sorted(FAMILIES), help="rules of networks that spike")
    parser.add_argument("--rules", help="only these, separated by commas")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time")
    parser.add_argument("--limit-minutes", type=float, default=float("inf"))
    parser.add_argument("--runs", type=Path, default=Path("runs/accuracy"), help="checkpoints")
    return parser.parse_args()


def digest_of(name: str) -> str:
    """The key of everything that decides a recipe's numbers, with the seed of the recipe."""
    return run_key(load_recipe(name).complete())[:12]


def measure(name: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train by a recipe; one row of the table."""
    import torch

    from spikelearn.training import train

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
        "epochs": len(run.epochs) - 1,
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
    }


def read(path: Path) -> list[dict[str, Any]]:
    """Rows measured before."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Keep the rows, sorted."""
    rows.sort(key=lambda row: (row["recipe"], int(row["seed"])))
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def write_table(folder: str, rows: list[dict[str, Any]]) -> None:
    """The table of a folder of recipes, as Markdown."""
    import statistics

    targets = yaml.safe_load((HERE / "targets.yaml").read_text()).get(folder, {})
    lines = [
        f"# Test accuracy, {folder.replace('_', ' ')}",
        "",
        "Mean over seeds, in per cent; epochs and settings chosen on validation images."
        " Displacement: norm of the weights' change over their norm at the start, by layer."
        " Cosine: of the last update with the gradient of backpropagation, by layer."
        " Seconds: of processor time, evaluation included.",
        "",
        "| rule | model | seeds | test accuracy | s.d. | target | epochs | seconds"
        " | nearest centroid | displacement | dead units | cosine | flag |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    found = {row["recipe"]: [r for r in rows if r["recipe"] == row["recipe"]] for row in rows}
    for name, group in found.items():
        short = name.split("/")[1]
        accuracies = [100 * float(row["test_accuracy"]) for row in group]
        spread = f"{statistics.stdev(accuracies):.2f}" if len(group) > 1 else ""
        target = targets.get(short)
        mean = statistics.mean(accuracies)
        mark = "" if target is None else f"{target:g} {'reached' if mean >= target else 'missed'}"
        centroid = [100 * float(r["nearest_centroid_accuracy"] or "nan") for r in group]
        first = group[0]
        cells = [
            short, first["model"], str(len(group)), f"{mean:.2f}", spread, mark, first["epochs"],
            f"{statistics.mean(float(r['seconds']) for r in group):.0f}",
            f"{statistics.mean(centroid):.1f}".replace("nan", ""),
            first["weight_displacement"], first["dead_units"],
            first["gradient_cosine"], first["flag"],
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    about = {
        key: ", ".join(sorted({str(row[key]) for row in rows}))
        for key in ("commit", "machine", "versions", "date", "source")
    }
    about["training images"] = ", ".join(sorted({str(row["n_train"]) for row in rows}))
    lines += ["", f"Command: `python benchmarks/accuracy.py {command_of(folder)}`  "]
    lines += as_lines(about)
    write_text(RESULTS / f"accuracy_{folder}.md", "\n".join(lines) + "\n")


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
