"""The group of commands on stored training runs: which there are, and what decided each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli._app import NoSeed, app, plainly
from spikelearn.cli._tables import print_table

runs_app = typer.Typer(
    help="Stored training runs; `runs` alone lists those in the folder runs.",
    invoke_without_command=True,
)
app.add_typer(runs_app, name="runs")


@runs_app.callback()
@plainly
def runs(context: typer.Context, seed: NoSeed = 0) -> None:
    """List stored training runs; without a verb, those in the folder runs."""
    if context.invoked_subcommand is None:
        _print_folders([Path("runs")])


@runs_app.command("list")
@plainly
def list_(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of runs; runs, if left out.")
    ] = None,
    seed: NoSeed = 0,
) -> None:
    """List training runs, who trained them and when, and how each differs from today's.

    A run is "as today" where the same configuration would be read, not trained anew: options and
    their defaults, model, data, the rule's code and the format are the same.

    Example: spikelearn runs list runs runs/demo/training
    """
    _print_folders(folders or [Path("runs")])


@runs_app.command()
@plainly
def show(
    folder: Annotated[Path, typer.Argument(help="Folder of a run.")], seed: NoSeed = 0
) -> None:
    """Print what decided a run, what it measured, and which versions trained it.

    Example: spikelearn runs show runs/mlp_784-backprop-seed0-98eba36f08
    """
    import yaml

    from spikelearn import _store as store
    from spikelearn.training.stored_runs import standing

    config = store.read_config(folder)
    parts = {"decided by": config, "measured": store.read_summary(folder),
             "made by": store.made(folder) or "an earlier release, which kept no versions",
             "standing": standing(folder)}  # fmt: skip
    print(yaml.safe_dump(parts, sort_keys=False, allow_unicode=True, width=100).rstrip())


def _print_folders(folders: list[Path]) -> None:
    from spikelearn.training.stored_runs import stored_runs

    for folder in folders:
        if not folder.is_dir():
            raise SpikelearnError(f"there is no folder {folder}; `spikelearn train` makes runs")
        table = stored_runs(folder)
        if table.empty:
            print(f"{folder} holds no training run; `spikelearn train` makes some")
        else:
            print_table(table, str(folder))
