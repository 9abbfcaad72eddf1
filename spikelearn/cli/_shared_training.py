"""Options that have several processes or threads share one training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli._launched import ranks_of

if TYPE_CHECKING:
    from spikelearn._workers import Workers

Ranks = Annotated[
    int,
    typer.Option(
        min=1,
        help="Processes of this machine that share every batch of a training, for rules whose"
        " update is the mean over the samples. The weights are those of one process but for"
        " rounding; not for STDP.",
    ),
]
TrainingThreads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        help="Threads that a training, or each of its ranks, computes on; one, if left out (STDP:"
        " as its simulator has it).",
    ),
]


def shared_training(workers: Workers, ranks: int, threads: int | None) -> dict[str, Any]:
    """On how many processes and threads each training computes, as options of `train_one`.

    Parameters
    ----------
    workers : Workers
        Who trains.
    ranks : int
        Processes that share each training.
    threads : int or None
        Of each; those of a worker, if None.

    Raises
    ------
    SpikelearnError
        If several processes are to share trainings of several workers.
    """
    ranks = ranks_of(ranks)
    if workers.limit_minutes is not None and ranks > 1:
        raise SpikelearnError(
            "--limit has another process train, which is ended where it takes longer, and --ranks"
            " has several share one training; give one of the two"
        )
    if not workers.alone and ranks > 1:
        raise SpikelearnError(
            "--ranks has several processes share one training, and workers train one each; give"
            " one of the two"
        )
    if not workers.alone and threads is not None:
        who = "workers" if workers.limit_minutes is None else "a process that --limit ends"
        raise SpikelearnError(
            f"--threads is of a training in this process; of {who} it is --threads-per-worker"
        )
    several = workers.threads if workers.threads > 1 else None
    return {"ranks": ranks, "threads": threads or several}
