"""The command that shows everything once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikelearn.cli._app import Again, Seed, app, plainly


@app.command()
@plainly
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report and everything else.")] = Path(
        "runs/demo"
    ),
    seed: Seed = 0,
    again: Again = False,
) -> None:
    """Train networks by seven rules, show them what brains were shown, and write a report.

    It is the shipped study `demo`. About seven minutes on two cores. Uses the digits that come with
    the toolkit, or the full MNIST where it is at hand (`spikelearn download mnist`), and downloads
    the recording of Kriegeskorte et al. 2008 (4 MB) once. Interrupted, it goes on where it was.

    Example: spikelearn demo --out runs/demo
    """
    from spikelearn.cli.study import run_and_print
    from spikelearn.studies.study import load_study

    command = f"spikelearn demo --seed {seed}"
    run_and_print(load_study("demo").counted_from(seed), out, None, command, again)
