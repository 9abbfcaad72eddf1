"""Processes that an MPI launcher has started for one command: how many, and which of them this is.

The environment says so before MPI is begun: that of Open MPI's `mpirun`, of Hydra's (MPICH, Intel
MPI), and of Slurm's `srun` where it speaks PMI or PMIx. Processes that `srun` starts without either
(`--mpi=none`) are none that belong together.
"""

from __future__ import annotations

import os

_NUMBER = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
_RANK = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")
_HERE = ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS")


def n_ranks() -> int:
    """How many processes were started together; one where no launcher has started any."""
    by_slurm = ("SLURM_STEP_NUM_TASKS",) if "PMIX_RANK" in os.environ else ()
    return max(1, _first(*_NUMBER, *by_slurm, otherwise=1))


def rank() -> int:
    """Which of them this is, from 0 on."""
    return _first(*_RANK, otherwise=0) if n_ranks() > 1 else 0


def n_ranks_here() -> int:
    """How many of them are on this machine, as far as the launcher says; else all."""
    number = n_ranks()
    return max(1, min(number, _first(*_HERE, otherwise=number)))


def by_itself() -> None:
    """From now on this process computes by itself, as a worker that `srun` has started with others.

    NEST, too, then takes it for one that was started alone.
    """
    for name in (*_NUMBER, *_RANK, *_HERE):
        os.environ.pop(name, None)


def _first(*names: str, otherwise: int) -> int:
    """The first of these variables that is a number."""
    given = (os.environ.get(name, "") for name in names)
    return next((int(text) for text in given if text.isdecimal()), otherwise)
