"""Options of every command whose runs are shared out: who computes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikelearn._workers import Workers

WorkersOption = Annotated[
    str,
    typer.Option(
        metavar="N",
        help="Processes of this machine that compute side by side; with --cluster its jobs, as"
        " 2:40 from 2 to 40 as there is work.",
    ),
]
Scheduler = Annotated[
    str, typer.Option(help="Address of a Dask scheduler, as tcp://10.0.0.1:8786, to compute there.")
]
Cluster = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Compute by jobs of a cluster: a YAML file of dask-jobqueue's (SLURM, PBS, LSF, SGE,"
        " OAR, HTCondor, Moab).",
    ),
]
Threads = Annotated[int, typer.Option(min=1, help="Threads of each worker.")]
Limit = Annotated[
    float | None,
    typer.Option(
        metavar="MINUTES",
        help="Minutes that a run (a network of a study, a rule and seed of an audit) may take; one"
        " that takes longer fails, and the process that computes it is ended. No limit, if left"
        " out.",
    ),
]
ONE = "1"  # worker, this process, where none is asked for


def chosen_workers(
    workers: str,
    scheduler: str,
    cluster: Path | None,
    threads: int,
    limit_minutes: float | None = None,
) -> Workers:
    """Who computes, by what these options say.

    Parameters
    ----------
    workers, scheduler, cluster, threads, limit_minutes
        As they are given.

    Raises
    ------
    SpikelearnError
        Where they do not go together, or a file describes no jobs.
    """
    return Workers(
        workers, scheduler, threads, "" if cluster is None else str(cluster), limit_minutes
    )
