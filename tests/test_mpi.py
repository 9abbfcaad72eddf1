"""Which processes were started together, as their environment says."""

from __future__ import annotations

import pytest

from spikelearn import _mpi

NAMES = (*_mpi._NUMBER, *_mpi._RANK, *_mpi._HERE, "SLURM_STEP_NUM_TASKS")


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, (1, 0, 1)),
        # Open MPI's mpirun, on two machines.
        ({"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3", "PMIX_RANK": "3",
          "OMPI_COMM_WORLD_LOCAL_SIZE": "2"}, (4, 3, 2)),
        # MPICH's mpiexec.
        ({"PMI_SIZE": "2", "PMI_RANK": "1", "MPI_LOCALNRANKS": "2"}, (2, 1, 2)),
        ({"PMI_SIZE": "2", "PMI_RANK": "0"}, (2, 0, 2)),
        # srun with PMIx; without it, its processes have nothing to do with one another.
        ({"PMIX_RANK": "1", "SLURM_STEP_NUM_TASKS": "8"}, (8, 1, 8)),
        ({"SLURM_STEP_NUM_TASKS": "8"}, (1, 0, 1)),
        # One process is none too many, whoever has started it.
        ({"OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"}, (1, 0, 1)),
        ({"OMPI_COMM_WORLD_SIZE": "many", "OMPI_COMM_WORLD_RANK": "1"}, (1, 0, 1)),
    ],
)  # fmt: skip
def test_launchers_are_known_by_what_they_set(environment, found, monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (_mpi.n_ranks(), _mpi.rank(), _mpi.n_ranks_here()) == found
    _mpi.by_itself()
    assert (_mpi.n_ranks(), _mpi.rank(), _mpi.n_ranks_here()) == (1, 0, 1)
