"""Tables of accuracy, in Markdown: one for each folder of recipes, from the rows measured."""

from __future__ import annotations

import statistics
from pathlib import Path

import yaml
from accuracy_rows import CONTROLS, RESULTS, Row, digest_of, has_failed

from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_names, write_text
from spikelearn._provenance import as_lines
from spikelearn.training.recipes import load_recipe

TARGETS = Path(__file__).parent / "targets.yaml"
ALONE = 95.0  # per cent of a processor, from which on a run has had it for itself
# Recipes that are a control themselves: nothing below their readout learns.
CONTROL_RECIPES = ("random_features", "random_recurrence", "homeostasis")


def write_table(folder: str, rows: list[Row], command: str) -> None:
    """The table of a folder of recipes.

    Parameters
    ----------
    folder : str
        Of recipes.
    rows : list of dict
        Runs of all of its recipes.
    command : str
        The options that make it.
    """
    targets = yaml.safe_load(TARGETS.read_text()).get(folder, {})
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
        lines.append("| " + " | ".join(cells_of(group, targets, beside.get(name, ""))) + " |")
    about = {
        key: ", ".join(sorted({str(row[key]) for row in rows}))
        for key in ("machine", "versions", "date", "source")
    }
    about["training images"] = ", ".join(sorted({str(row["n_train"]) for row in rows}))
    about |= {"processor": share_words(rows), "standing": standing_words(rows)}
    shipped = [name for name in shipped_names("models/recipes") if name.startswith(f"{folder}/")]
    measured = {row["recipe"] for row in rows}
    lacking = [name.split("/")[1] for name in shipped if name not in measured]
    if lacking:
        lines += ["", f"A part: not measured are {', '.join(lacking)}."]
    lines += ["", f"Command: `python benchmarks/accuracy.py {command}`  "]
    lines += as_lines({key: value for key, value in about.items() if value})
    write_text(RESULTS / f"accuracy_{folder}.md", "\n".join(lines) + "\n")


def cells_of(group: list[Row], targets: dict[str, float], beside: str) -> list[str]:
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
    made = ", ".join(dict.fromkeys(row["commit"] for row in group))
    failed = [row for row in group if has_failed(row)]
    flags = [group[0]["flag"]] if not failed else []
    flags += [f"seed {row['seed']} {row['flag']}" for row in failed]
    group = [row for row in group if row not in failed]
    if not group:
        return [short, first["model"], "0", "none", *[""] * 11, made, "; ".join(flags)]
    first = group[0]
    accuracies = [100 * float(row["test_accuracy"]) for row in group]
    mean, target = statistics.mean(accuracies), targets.get(short)
    spread = f"{statistics.stdev(accuracies):.2f}" if len(group) > 1 else ""
    mark = "" if target is None else f"{target:g} {'reached' if mean >= target else 'missed'}"
    centroid = [100 * float(r["nearest_centroid_accuracy"] or "nan") for r in group]
    later = [row["controls_commit"] for row in group if row["linear_readout"] != ""]
    return [
        short, first["model"], str(len(group)), f"{mean:.2f}", spread,
        *(control_cell(group, control) for control in CONTROLS), beside, mark,
        str(first["epochs"]), f"{statistics.mean(float(r['seconds']) for r in group):.0f}",
        f"{statistics.mean(centroid):.1f}".replace("nan", ""),
        first["weight_displacement"], first["dead_units"], first["gradient_cosine"],
        made + (f"; controls {', '.join(dict.fromkeys(later))}" if later else ""), "; ".join(flags),
    ]  # fmt: skip


def control_cell(group: list[Row], control: str) -> str:
    """Mean accuracy of a control over the seeds that have it, and how many these are."""
    found = [100 * float(row[control]) for row in group if row[control] != ""]
    if not found:
        return "none: no hidden layer" if group[0]["controls_commit"] else "not run"
    fewer = f" ({len(found)} of {len(group)} seeds)" if len(found) < len(group) else ""
    return f"{statistics.mean(found):.2f}{fewer}"


def standing(rows: list[Row]) -> dict[str, str]:
    """How every recipe that has a run stands to its controls, in words."""
    import pandas as pd

    from spikelearn.comparison.accuracies import control_table
    from spikelearn.report.accuracy_words import beside_controls

    rows = [row for row in rows if not has_failed(row)]
    if not rows:
        return {}
    runs = pd.DataFrame(rows).replace("", float("nan"))
    kinds = {"seed": int, "n_test": int, "test_accuracy": float}
    table = control_table(runs.astype(kinds | dict.fromkeys(CONTROLS, float)), ["recipe"])
    words = {str(name): beside_controls(part) for name, part in table.groupby("recipe")}
    for name in words:
        if name.split("/")[1] in CONTROL_RECIPES:
            words[name] = "is a control itself"
    return words


def chance_words(rows: list[Row]) -> str:
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


def share_words(rows: list[Row]) -> str:
    """Whether runs had a processor for themselves; empty where it was not kept."""
    shares = [100 * float(row["processor_share"]) for row in rows if row["processor_share"] != ""]
    if not shares:
        return ""
    low, high = f"{min(shares):.0f}", f"{max(shares):.0f}"
    words = f"{len(shares)} of {len(rows)} runs tell what they had of one by the clock:"
    words += f" {low} %" if low == high else f" from {low} to {high} %"
    if min(shares) < ALONE:
        words += (
            "; beside other work a run takes more processor time than alone, and seconds are to be"
            " compared with care"
        )
    return words


def standing_words(rows: list[Row]) -> str:
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
