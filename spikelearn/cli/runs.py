"""The group of commands on stored runs: which there are, what decided each, and how they differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import NoSeed, app, plain_warnings, plainly
from spikelearn.cli._output import give, in_document, note, print_line, say
from spikelearn.cli._tables import check_table_path, print_table, write_table

if TYPE_CHECKING:
    import pandas as pd

runs_app = typer.Typer(
    help="Stored training runs; `runs` alone lists those in the folder runs.",
    invoke_without_command=True,
)
app.add_typer(runs_app, name="runs")

TRAINING, SWEEPS = "training", "sweeps"
# Of sweeps' runs, what tells where and when they were computed is left out of the screen's table.
_NOT_SHOWN = ("key", "spikes", "folder", "machine", "time", "notes", "standing")


@runs_app.callback()
@plainly
def runs(context: typer.Context, seed: NoSeed = 0) -> None:
    """List stored training runs; without a verb, those in the folder runs."""
    if context.invoked_subcommand is None:
        _list([Path("runs")])


@runs_app.command("list")
@plainly
def list_(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of runs; runs, if left out.")
    ] = None,
    where: Annotated[
        str,
        typer.Option(
            metavar="CONDITION",
            help="Only runs that fit it, as \"rule = 'stdp' and test_accuracy > 0.9\".",
        ),
    ] = "",
    sort: Annotated[
        str,
        typer.Option(
            metavar="COLUMNS",
            help="Sort by these, names between commas; with a - before it, the largest first.",
        ),
    ] = "",
    columns: Annotated[
        str,
        typer.Option(
            metavar="COLUMNS",
            help="Show these, names between commas; * stands for any letters, '*' for all.",
        ),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the table to .csv or .parquet, with all columns but for --columns."
        ),
    ] = None,
    of: Annotated[
        str, typer.Option(help="training runs, or the runs of the sweeps in the folder: sweeps.")
    ] = TRAINING,
    seed: NoSeed = 0,
) -> None:
    """List training runs, who trained them and when, and how each differs from today's.

    A run is "as today" where the same configuration would be read, not trained anew: options and
    their defaults, model, data, the rule's code and the format are the same. Its `state` says it in
    a word: current, stale, damaged, not compared; partial and running of those not complete.

    Columns are every field of a run's configuration, of its summary and of what made it, by its
    path: learning_rate, options.rate, network.sizes[1], versions.torch; config., summary. or made.
    before it where several are called so. --where is a condition of SQL on them, text in single
    quotes; it reads nothing but the table.

    Example: spikelearn runs list runs runs/demo/training
    Example: spikelearn runs list --where "rule = 'stdp' and test_accuracy > 0.9"
    --sort -test_accuracy --columns run,seed,n_train,test_accuracy --out best.csv
    Example: spikelearn runs list --of sweeps --where "sweep = 'brunel2000' and rate_hz > 50"
    """
    if of not in (TRAINING, SWEEPS):
        raise SpikelearnError(f"--of takes {TRAINING} or {SWEEPS}, found '{of}'")
    _list(folders or [Path("runs")], where, _names(sort), _names(columns), out, of)


def _names(text: str) -> list[str]:
    from spikelearn._paths import between_commas

    return [name.strip() for name in between_commas(text)] if text.strip() else []


def _list(
    folders: list[Path],
    where: str = "",
    sort: Sequence[str] = (),
    columns: Sequence[str] = (),
    out: Path | None = None,
    of: str = TRAINING,
) -> None:
    if out is not None:
        check_table_path(out)
    for folder in folders:
        if not folder.is_dir():
            raise SpikelearnError(f"there is no folder {folder}; `spikelearn train` makes runs")
    shown, whole = (_of_training if of == TRAINING else _of_sweeps)(folders, where, sort, columns)
    title = ", ".join(map(str, folders))
    give("folders", folders)
    if shown.empty and where:
        print_line(f"{title}: no run fits")
    elif shown.empty:
        what = "training run; `spikelearn train` makes some" if of == TRAINING else "sweep"
        print_line(f"{title} holds no {what}")
    if shown.empty:
        give("runs", [])
    else:
        print_table(shown, title, "runs", whole)
    if out is not None:
        write_table(whole, out)


def _of_training(
    folders: list[Path], where: str, sort: Sequence[str], columns: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is shown of training runs, and what is written."""
    from spikelearn.training.run_table import USUAL, arrow_table, chosen, run_rows

    rows = [row for folder in folders for row in run_rows(folder)]
    table = arrow_table(rows)
    usual = [*(["folder"] if len(folders) > 1 else []), *USUAL]
    return chosen(table, where, sort, columns or usual), chosen(table, where, sort, columns)


def _of_sweeps(
    folders: list[Path], where: str, sort: Sequence[str], columns: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is shown of sweeps' runs, and what is written."""
    from spikelearn.sweeps.all_tables import CURRENT, sweep_rows
    from spikelearn.training.run_table import chosen

    if len(folders) > 1:
        raise SpikelearnError("--of sweeps takes one folder of runs")
    table = sweep_rows(folders[0])
    whole = chosen(table, where, sort, columns)
    if columns or "standing" not in whole:
        return whole, whole
    for name, standing in dict(zip(whole["sweep"], whole["standing"], strict=True)).items():
        if standing != CURRENT:
            note(f"the table of the sweep '{name}' is {standing}")
    known = [n for n in whole if n not in _NOT_SHOWN and not whole[n].isna().all()]
    return whole[known], whole


@runs_app.command()
@plainly
def show(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of a run, also of one that is trained now.",
            autocompletion=completions.runs,
        ),
    ],
    controls: Annotated[
        bool,
        typer.Option(
            "--controls",
            help="Compute, or read, what its accuracy is to be compared with: a linear readout of"
            " the input, and random features.",
        ),
    ] = False,
    seed: NoSeed = 0,
) -> None:
    """Print what decided a run, what it measured, its learning curve, its files, who made it.

    And whether today's code would read it or train it anew, and why. Of a run that is trained now,
    or was interrupted, it prints how far it is. What is printed is YAML.

    Example: spikelearn runs show runs/mlp_784-backprop-seed0-98eba36f08
    """
    from spikelearn._progress import progress_bars
    from spikelearn.cli._shown_run import in_words, parts_of_run

    with progress_bars() as bars, plain_warnings():
        parts = parts_of_run(folder, controls, bars("controls") if controls else None)
    give("run", folder)
    for name, part in parts.items():
        give(re.sub(r"\W+", "_", name), part)
    if not in_document():
        print(in_words(parts))


@runs_app.command()
@plainly
def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Folders of two runs or more.", autocompletion=completions.runs),
    ],
    seed: NoSeed = 0,
) -> None:
    """Print what runs differ in: configuration, code, versions, results, weights.

    Each test accuracy has a 95 % interval over test images; where a folder holds the same run with
    other seeds, their mean has one over seeds, and two such runs are compared seed by seed.

    Example: spikelearn runs compare runs/a-seed0-98eba36f08 runs/b-seed0-0fda2ab301
    """
    from spikelearn.training.run_comparison import compare_runs, in_words

    found = compare_runs(folders)
    for table, what in (
        (found.configuration, "configuration"),
        (found.versions, "made by"),
        (found.results, "results"),
    ):
        name = what.replace(" ", "_")
        if table.empty:
            print_line(f"{what}: the same")
            give(name, [])
        else:
            print_table(in_words(table), f"{what}: differs", name, table)
    print_line(
        f"code of the rule: {', '.join(found.code) + ' differ' if found.code else 'the same'}"
    )
    give("code_differs", list(found.code))
    images = found.accuracies[["run", "test_accuracy", "lower", "upper", "n_test"]]
    print_table(images, "test accuracy, 95 % over test images", "test_accuracies", found.accuracies)
    seeds = found.accuracies[found.accuracies["n_seeds"] > 1]
    if len(seeds):
        shown = seeds[["run", "n_seeds", "mean", "mean_lower", "mean_upper"]]
        title = "test accuracy, mean and 95 % over the seeds in the folder"
        print_table(shown, title, "over_seeds")
    if len(found.differences):
        title = "difference, mean and 95 % over the seeds of both"
        print_table(found.differences, title, "differences")
    give("weights", list(found.weights))
    for sentence in found.weights:
        print_line(f"{sentence[0].upper()}{sentence[1:]}")


@runs_app.command()
@plainly
def prune(
    folder: Annotated[Path, typer.Argument(help="Folder of runs.")] = Path("runs"),
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="Only these: stale, damaged, partial or leftover. May be repeated; all but the"
            " damaged, if left out."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List them, remove nothing.")] = False,
    seed: NoSeed = 0,
) -> None:
    """Remove runs that are stale or begun and left, and what killed processes left.

    They are listed with their sizes, and you are asked. Stale runs are those that would be trained
    anew today, for what the list says. Damaged ones, which may be mended by hand, go only where
    they are named. A run that would be read today stays, and so do those that cannot be compared
    with today's, that a process works on, or to which a link leads.

    Example: spikelearn runs prune runs --kind partial --kind leftover --yes
    """
    import pandas as pd

    from spikelearn._errors import nearest
    from spikelearn.cli._shown_run import in_bytes
    from spikelearn.training.pruning import DAMAGED, KINDS, USUAL, prunable
    from spikelearn.training.pruning import prune as remove

    for one in kind or []:
        if one not in KINDS:
            raise SpikelearnError(f"there is no kind '{one}'; {nearest(one, KINDS)}")
    everything = prunable(folder)
    found = [one for one in everything if one.kind in (kind or USUAL)]
    damaged = sum(one.kind == DAMAGED for one in everything)
    if damaged and not kind:
        say(f"{damaged} damaged stay; --kind damaged lists them")
    if not found:
        print(f"{folder} holds nothing to remove")
        return
    rows = [(one.name, one.kind, in_bytes(one.n_bytes), one.why) for one in found]
    give("bytes", sum(one.n_bytes for one in found))
    table = pd.DataFrame(rows, columns=["what", "kind", "size", "why"])
    print_table(table, str(folder), "found")
    total = f"{len(found)}, of {in_bytes(sum(one.n_bytes for one in found))}"
    if dry_run:
        print(f"{total}; nothing is removed")
        return
    try:
        if not yes and not typer.confirm(f"Remove these {total}?", err=True):
            print("Nothing is removed")
            return
    except typer.Abort:
        raise SpikelearnError(
            "there was no answer, and nothing is removed; --yes removes without asking"
        ) from None
    print(f"Removed: {in_bytes(remove(folder, found, say))}")
