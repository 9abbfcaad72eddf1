"""Commands that a launcher has started, in several processes at once: one speaks and writes.

    torchrun --nproc-per-node 2 -m spikelearn train ...     is     spikelearn train ... --ranks 2

The first process trains, and starts those that share its batches itself, as `--ranks` does; the
others end at once. So there is one who writes, and the run is the same run.

    mpirun -n 4 spikelearn simulate ... --backend nest

All of them simulate one network, each a part of it; the first tells and writes what came of it. One
that fails ends the others, in one sentence.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
import traceback
from collections.abc import Iterator

import typer

from spikelearn import _mpi
from spikelearn._errors import SpikelearnError

SHARED = ("learning", "train")  # the command whose work several processes of torchrun share
SIMULATED = ("simulation", "simulate")  # and those of MPI, on NEST
# Seconds after which one that failed takes it that the first one did not, which would have said why
# and, by its exit, have ended this one.
_PATIENCE_S = 10.0


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
    if _mpi.n_ranks() > 1 and (module.rpartition(".")[2], command) != SIMULATED:
        _refuse_mpi()
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


def check_shared(backend: str) -> None:
    """Refuse a simulation that the processes which were started cannot share.

    Raises
    ------
    SpikelearnError
    """
    if _mpi.n_ranks() > 1 and backend != "nest":
        _refuse_mpi(f"; this is --backend {backend}")


def _refuse_mpi(found: str = "") -> None:
    raise SpikelearnError(
        f"{_mpi.n_ranks()} processes were started together, as by mpirun, and each would do the"
        " whole of this command and write the same files; what they share is a simulation on NEST"
        f" (simulate --backend nest){found}: start it by itself, or by srun --mpi=none where each"
        " does something else"
    )


def wrote_elsewhere() -> bool:
    """Whether another of several ranks tells and writes what all have simulated."""
    return _mpi.rank() > 0


@contextlib.contextmanager
def one_of_the_ranks() -> Iterator[None]:
    """Within the block, a whole command, the first of several ranks speaks, and the others do not.

    Where one fails, all end: the first at once and with its sentence. Another waits to be ended
    by the launcher, and where it is not says why it alone failed.
    """
    if _mpi.n_ranks() == 1:
        yield
        return
    rank, said = _mpi.rank(), io.StringIO()
    silent = contextlib.ExitStack()
    if rank > 0:
        silent.enter_context(contextlib.redirect_stdout(io.StringIO()))
        silent.enter_context(contextlib.redirect_stderr(said))
    try:
        with silent:
            yield
    except BaseException as error:
        status = error.code if isinstance(error, SystemExit) else 1
        if status in (0, None):
            raise
        if not isinstance(error, SystemExit):
            print(traceback.format_exc(), file=said if rank > 0 else sys.stderr)
        if rank > 0:
            time.sleep(_PATIENCE_S)
            print(f"On rank {rank}: {said.getvalue().strip()}", file=sys.stderr)
        _end(status if isinstance(status, int) else 1)


def _end(status: int) -> None:
    """End this process at once: MPI's own end waits for ranks that wait for this one."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.flush()
    os._exit(status)


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
