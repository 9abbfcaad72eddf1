"""A published comparison of rules, cell by cell, with what is measured here beside it.

Made from the rows that are complete; a cell that lacks is named as missing. A cell is *beaten*
where our mean over seeds is above the published one, *matched* where it is below by no more than
the standard deviation over our seeds; else it says by how much it is below, and what was tried.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from accuracy_rows import CORES, FAILED, RESULTS, Row, has_failed
from accuracy_tables import control_cell, share_words, standing, standing_words
from pydantic import Field, model_validator

from spikelearn._atomic import atomic_path
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import read_yaml, shipped_folder, shipped_names, validate, write_text
from spikelearn._provenance import as_lines
from spikelearn.training.recipes import load_recipe

HERE = Path(__file__).parent
TABLES = {"dll": HERE / "dll.yaml"}
LOSSY = {"jpeg_50k": "CIFAR-10 (JPEG, 50k)", "jpeg": "CIFAR-10 (JPEG, 20k)"}
OURS, THEIRS = "#0072b2", "#8a8a8a"


class Cell(Description):
    """A column: images, kind of network, and what a run may take.

    `minutes` are of two cores.
    """

    label: str
    network: str
    minutes: float = Field(gt=0)
    seeds: int = Field(ge=1)


class PublishedRule(Description):
    """A row: a rule's published accuracies, by cell, and the recipe that stands for it here.

    `recipe` is a name, or one for each kind of network; `without` says why there is none.
    """

    name: str
    published: tuple[float, ...]
    recipe: str | dict[str, str] | None = None
    without: str = ""

    @model_validator(mode="after")
    def _recipe_or_reason(self) -> Self:
        if (self.recipe is None) == (not self.without):
            raise ValueError("give a recipe, or say why there is none (`without`)")
        return self

    def recipe_of(self, cell: str) -> str | None:
        """The name of the recipe of a cell; None where there is none."""
        if isinstance(self.recipe, dict):
            return self.recipe.get(cell.rpartition("_")[2])
        return self.recipe


class PublishedTable(Description):
    """All of it; see `dll.yaml`."""

    title: str
    reference: str
    cells: dict[str, Cell]
    rules: tuple[PublishedRule, ...]
    name: str = ""

    command: ClassVar[str] = "python benchmarks/accuracy.py --table"

    @model_validator(mode="after")
    def _a_figure_a_cell(self) -> Self:
        for rule in self.rules:
            if len(rule.published) != len(self.cells):
                raise ValueError(
                    f"{rule.name}: {len(rule.published)} accuracies of {len(self.cells)} cells"
                )
        return self

    @classmethod
    def named(cls, name: str) -> PublishedTable:
        """The table of that name."""
        return validate(cls, {**read_yaml(TABLES[name]), "name": name}, TABLES[name])

    def folder(self, cell: str) -> str:
        """The folder of a cell's recipes."""
        return f"{self.name}_{cell}"

    def cell(self, folder: str) -> str:
        """The cell whose recipes are in a folder."""
        return folder.removeprefix(f"{self.name}_")

    def recipes(self, parts: Iterable[str] = ()) -> dict[str, list[str]]:
        """The recipes of all cells, or of parts as mnist_mlp or mnist_mlp/backprop, by folder.

        Raises
        ------
        SpikelearnError
            If there is no such part.
        """
        found: dict[str, list[str]] = {}
        every = {
            f"{cell}/{recipe}": f"{self.folder(cell)}/{recipe}"
            for cell in self.cells
            for rule in self.rules
            if (recipe := rule.recipe_of(cell)) is not None
        }
        for part in (parts := list(parts)):
            if part not in self.cells and part not in every:
                known = [*self.cells, *every]
                raise SpikelearnError(f"the table has no cell '{part}'; {nearest(part, known)}")
        shipped = shipped_names("models/recipes")
        for part, name in every.items():
            if name in shipped and (not parts or {part, part.split("/")[0]} & {*parts}):
                found.setdefault(name.split("/")[0], []).append(name)
        return found

    def entries(self, rows: Mapping[str, list[Row]]) -> list[Entry]:
        """Every cell of every rule, with its rows.

        Parameters
        ----------
        rows : mapping
            By cell.
        """
        found = []
        for cell, published in ((c, i) for i, c in enumerate(self.cells)):
            shipped = shipped_names("models/recipes")
            for rule in self.rules:
                recipe = rule.recipe_of(cell)
                name = f"{self.folder(cell)}/{recipe}"
                own = [row for row in rows.get(cell, ()) if row["recipe"] == name]
                without = rule.without if recipe is None else ""
                if not without and name not in shipped:
                    without = "no recipe"
                found.append(Entry(rule.name, cell, rule.published[published], name, own, without))
        return found

    def write(self, rows: Mapping[str, list[Row]]) -> Path:
        """Write the table and its picture; the path of the table.

        Parameters
        ----------
        rows : mapping
            By cell.
        """
        entries = self.entries(rows)
        draw(self, entries, RESULTS / f"table_{self.name}.png")
        path = RESULTS / f"table_{self.name}.md"
        write_text(path, "\n".join(lines_of(self, entries)) + "\n")
        return path


@dataclass(frozen=True)
class Entry:
    """A rule in a cell.

    Attributes
    ----------
    rule, cell : str
    published : float
        In per cent.
    recipe : str
        Its name.
    rows : list of dict
        Its runs, failed ones too.
    without : str
        Why there is none; empty where there is a recipe.
    """

    rule: str
    cell: str
    published: float
    recipe: str
    rows: list[Row]
    without: str

    @property
    def runs(self) -> list[Row]:
        """Those that are complete."""
        return [row for row in self.rows if not has_failed(row)]

    @property
    def accuracies(self) -> list[float]:
        """Of the test images, in per cent, by seed."""
        return [100 * float(row["test_accuracy"]) for row in self.runs]

    @property
    def mean(self) -> float | None:
        """Over seeds; None where no run is complete."""
        return statistics.mean(self.accuracies) if self.runs else None

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds; None of less than two."""
        return statistics.stdev(self.accuracies) if len(self.runs) > 1 else None

    @property
    def standing(self) -> str:
        """How it stands to the published figure, in words."""
        if self.without:
            return "none"
        if self.mean is None:
            failed = [row for row in self.rows if has_failed(row)]
            return str(failed[0]["flag"]) if failed else "not measured"
        below = self.published - self.mean
        if below < 0:
            return "beaten"
        return "matched" if below <= (self.spread or 0.0) else f"{below:.2f} below"

    @property
    def shown(self) -> str:
        """Ours beside the published figure."""
        if self.mean is None:
            lacks = "failed" if self.standing.startswith(FAILED) else self.standing
            return f"{lacks} / {self.published:.2f}"
        spread = "" if self.spread is None else f" ± {self.spread:.2f}"
        return f"{self.mean:.2f}{spread} / {self.published:.2f}"


def lines_of(table: PublishedTable, entries: list[Entry]) -> list[str]:
    """The table as Markdown."""
    lossy = sorted({LOSSY[str(r["source"])] for e in entries for r in e.runs
                    if r["source"] in LOSSY})  # fmt: skip
    lines = [
        f"# {table.title}: published, and here",
        "",
        f"Test accuracy in per cent, ours / published ({table.reference}): the mean over seeds, its"
        " standard deviation behind ±. Test images chose nothing: the epoch of a run is chosen on"
        " validation images, and what was searched for a recipe, on which, stands with it. How"
        " training images were varied here stands with every cell; of the published ones it is not"
        " said. A cell"
        " is beaten where our mean is above the published one, matched where it is below by no more"
        " than our standard deviation."
        + (
            f" Ours of CIFAR-10 are of {' and '.join(lossy)}, a lossy copy; the published ones are"
            " of the lossless images."
            if lossy
            else ""
        ),
        "",
        f"![Ours beside the published accuracies](table_{table.name}.png)",
        "",
        "| rule | " + " | ".join(cell.label for cell in table.cells.values()) + " |",
        "|" + "---|" * (1 + len(table.cells)),
    ]
    for rule in table.rules:
        own = [entry for entry in entries if entry.rule == rule.name]
        lines.append(f"| {rule.name} | " + " | ".join(entry.shown for entry in own) + " |")
    lines += ["", *_lacking_lines(table, entries), "", "## Every cell", ""]
    lines += [
        "Controls: a linear readout of the input; one of random features, the last hidden layer of"
        " the very network before any learning; and the network untrained, on validation images."
        " Above a control is what a test tells from it: a rule that beats the published figure may"
        " be no better than a network that learns nothing below its readout."
        " Displacement: norm of the weights' change over their norm at the start, by layer."
        " Seconds: of processor time. A run may take "
        + ", ".join(f"{CORES * c.minutes:g} ({c.label})" for c in table.cells.values())
        + f" minutes of a processor, half as many of {CORES}.",
        "",
        "| cell | rule | recipe | network | published | ours | s.d. | seeds | standing"
        " | linear readout | random features | beside its controls | untrained | training images"
        " | epochs | seconds | displacement | made by | flag |",
        "|" + "---|" * 19,
    ]
    for cell in table.cells:
        own = [entry for entry in entries if entry.cell == cell and (entry.rows or entry.without)]
        beside = standing([row for entry in own for row in entry.rows])
        for entry in own:
            cells = _cells(table, entry, beside.get(entry.recipe, ""))
            lines.append("| " + " | ".join(cells) + " |")
    lines += ["", *_recipes_in_words(table, entries)]
    about = {key: ", ".join(sorted({str(r[key]) for e in entries for r in e.rows}))
             for key in ("machine", "versions", "date", "source")}  # fmt: skip
    rows = [row for entry in entries for row in entry.rows]
    about |= {"processor": share_words(rows), "standing": standing_words(rows)}
    lines += ["", f"Command: `{table.command} {table.name}`  "]
    return lines + as_lines({key: value for key, value in about.items() if value})


def _lacking_lines(table: PublishedTable, entries: list[Entry]) -> list[str]:
    measured = [entry for entry in entries if entry.mean is not None]
    below = [entry for entry in measured if entry.standing not in ("beaten", "matched")]
    lacking = [entry for entry in entries if entry.standing == "not measured"]
    failed = [entry for entry in entries if entry.standing.startswith(FAILED)]
    few = [entry for entry in measured if len(entry.runs) < table.cells[entry.cell].seeds]
    part = [f"{len(lacking)} cells are not measured"] if lacking else []
    if few:
        one = sum(len(entry.runs) == 1 for entry in few)
        part.append(
            f"{len(few)} have fewer seeds than they are to have, {one} of them one alone, which"
            " does not say how far another would lie"
        )
    lines = [f"This is a part of the table: {'; '.join(part)}.", ""] if part else []
    lines += [
        f"Of {len(measured) + len(lacking) + len(failed)} cells {len(measured)} are measured:"
        f" {sum(e.standing == 'beaten' for e in measured)} beaten,"
        f" {sum(e.standing == 'matched' for e in measured)} matched, {len(below)} below."
    ]
    for entry in below:
        tried = tried_of(entry.recipe)
        lines.append(
            f"- {table.cells[entry.cell].label}, {entry.rule}: {entry.standing}."
            + (f" Tried: {tried}" if tried else "")
        )
    for entry in failed:
        lines.append(f"- {table.cells[entry.cell].label}, {entry.rule}, {entry.standing}")
    for cell, label in ((name, cell.label) for name, cell in table.cells.items()):
        names = [entry.rule for entry in lacking if entry.cell == cell]
        if names:
            lines += ["", f"Missing, {label}: {', '.join(names)}."]
    excluded = {entry.rule: entry.without for entry in entries if entry.without}
    lines += ["", *(f"{rule}: {sentence}" for rule, sentence in excluded.items())]
    return lines


def _recipes_in_words(table: PublishedTable, entries: list[Entry]) -> list[str]:
    """What recipes say of themselves, such as which layers learn, where it is not told above."""
    told = [(entry, tried_of(entry.recipe)) for entry in entries
            if entry.standing in ("beaten", "matched")]  # fmt: skip
    return [
        f"- {table.cells[entry.cell].label}, {entry.rule}: {words}"
        for entry, words in told
        if words
    ]


def tried_of(recipe: str) -> str:
    """How the settings of a recipe were chosen, and what of it is special, as its file says."""
    path = shipped_folder("models/recipes") / f"{recipe}.yaml"
    return str(read_yaml(path).get("description", "")) if path.is_file() else ""


def trained_on(entry: Entry) -> tuple[str, str]:
    """The network of a recipe, and how many images it learns and how they are varied, in words."""
    first = entry.rows[0]
    network, images = str(first["model"]), str(first["n_train"])
    if entry.recipe in shipped_names("models/recipes"):
        config = load_recipe(entry.recipe)
        changes = (config.changes or {}).items()
        network = ", ".join([network, *(f"{path} {value}" for path, value in changes)])
        varied = getattr(config, "augment", None)
        flipped = ["flipped"] if varied and varied.flip else []
        shifted = [f"shifted by up to {varied.shift}"] if varied and varied.shift else []
        images = ", ".join([images, *flipped, *shifted])
    return network, images


def _cells(table: PublishedTable, entry: Entry, beside: str) -> list[str]:
    label, published = table.cells[entry.cell].label, f"{entry.published:.2f}"
    if entry.without:
        return [label, entry.rule, "", "", published, *[""] * 3, "none", *[""] * 9, entry.without]
    runs = entry.runs
    recipe = entry.recipe.split("/")[1]
    made = ", ".join(dict.fromkeys(str(row["commit"]) for row in entry.rows))
    flags = dict.fromkeys(str(row["flag"]) for row in entry.rows if row["flag"])
    ours = [""] * 3 if entry.mean is None else [
        f"{entry.mean:.2f}", "" if entry.spread is None else f"{entry.spread:.2f}", str(len(runs)),
    ]  # fmt: skip
    standing = "failed" if entry.standing.startswith(FAILED) else entry.standing
    network, images = trained_on(entry)
    rest = [""] * 4 + [images] + [""] * 3
    if runs:
        untrained = [100 * float(r["untrained_accuracy"]) for r in runs if r["untrained_accuracy"]]
        rest = [
            control_cell(runs, "linear_readout"), control_cell(runs, "random_features"), beside,
            f"{statistics.mean(untrained):.2f}" if untrained else "not run",
            images, str(runs[0]["epochs"]),
            f"{statistics.mean(float(row['seconds']) for row in runs):.0f}",
            str(runs[0]["weight_displacement"]),
        ]  # fmt: skip
    return [label, entry.rule, recipe, network, published, *ours, standing, *rest,
            made, "; ".join(flags)]  # fmt: skip


def draw(table: PublishedTable, entries: list[Entry], path: Path) -> None:
    """A panel a cell: each rule's published accuracy, and ours beside it.

    Parameters
    ----------
    table : PublishedTable
    entries : list of Entry
    path : Path
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    n_columns = (len(table.cells) + 1) // 2
    figure = Figure(figsize=(3.1 * n_columns + 1.4, 6.6), layout="constrained")
    axes: Any = figure.subplots(2, n_columns, sharey=True, squeeze=False)
    rules = [rule.name for rule in table.rules]
    by_column = sorted(table.cells, key=lambda cell: cell.rpartition("_")[2], reverse=True)
    for axis, cell in zip(axes.flat, by_column, strict=False):
        for entry in (one for one in entries if one.cell == cell):
            height = rules.index(entry.rule)
            axis.plot(entry.published, height, "o", mfc="none", mec=THEIRS, ms=7)
            if entry.mean is not None:
                axis.plot([entry.published, entry.mean], [height] * 2, color=THEIRS, lw=0.8)
                axis.errorbar(entry.mean, height, xerr=entry.spread, fmt="o", color=OURS, ms=5)
        own = [entry for entry in entries if entry.cell == cell and not entry.without]
        n_measured = sum(entry.mean is not None for entry in own)
        part = f"\n{n_measured} of {len(own)} measured" if n_measured < len(own) else ""
        axis.set_title(table.cells[cell].label + part, fontsize=10)
        axis.set_yticks(range(len(rules)), rules, fontsize=9)
        axis.set_ylim(len(rules) - 0.5, -0.5)
        axis.grid(axis="y", color="#e6e6e6", lw=0.8)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlim(0, 102)
    for axis in axes.flat[len(table.cells) :]:
        axis.set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("test accuracy (%)")
    marks = [
        Line2D([], [], ls="", marker="o", color=OURS, ms=5, label="here"),
        Line2D([], [], ls="", marker="o", mfc="none", mec=THEIRS, ms=7, label="published"),
    ]
    figure.legend(handles=marks, loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
