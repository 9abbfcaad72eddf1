"""Commands that `torchrun` has started, in several processes at once: one of them does the work.

    torchrun --nproc-per-node 2 -m spikelearn train ...     is     spikelearn train ... --ranks 2

The first process trains, and starts those that share its batches itself, as `--ranks` does; the
others end at once. So there is one who writes, and the run is the same run.
"""

from __future__ import annotations

import os

import typer

from spikelearn._errors import SpikelearnError

SHARED = ("learning", "train")  # the command whose work several processes share


def processes() -> int:
    """How many processes were started for this command; one where `torchrun` has started none."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return 1
    return _number("WORLD_SIZE", 1)


def end_beside_the_first() -> None:
    """End this process, without a word, where another does the command's work."""
    if processes() > 1 and _number("RANK", 0) > 0:
        raise typer.Exit(0)


def one_of(module: str, command: str) -> None:
    """Refuse a command whose work the processes that were started cannot share.

    Parameters
    ----------
    module, command : str
        Where it is, and its name.

    Raises
    ------
    SpikelearnError
    """
    number = processes()
    if number == 1:
        return
    if (module.rpartition(".")[2], command) != SHARED:
        raise SpikelearnError(
            f"torchrun has started this command {number} times; its processes share a training"
            f" alone, so `{SHARED[1]}`: start it by itself, and --workers has several compute"
        )
    if _number("LOCAL_WORLD_SIZE", number) != number:
        raise SpikelearnError(
            f"torchrun has started {number} processes on several machines, and those that share a"
            " training are of one; give --nnodes 1, or --workers of a cluster for several trainings"
        )


def ranks_of(asked: int) -> int:
    """Processes that share a training: as many as were asked for, or started.

    Raises
    ------
    SpikelearnError
        Where these are two numbers.
    """
    number = processes()
    if number > 1 and asked not in (1, number):
        raise SpikelearnError(
            f"torchrun has started {number} processes, and --ranks asks for {asked}; leave it out"
        )
    return asked if number == 1 else number


def _number(name: str, otherwise: int) -> int:
    given = os.environ.get(name, "")
    return int(given) if given.isdecimal() else otherwise
