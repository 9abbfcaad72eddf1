"""Several processes that run one network on NEST together, as `mpirun` starts them.

NEST deals nodes out in turn: the node of number n is at home on rank n modulo the number of ranks,
and so are the synapses that end on it. Every rank describes the whole network in the same words and
makes what is at home with it; generators and recorders are on all of them, each for its neurons.
What is recorded is gathered by mpi4py, and is whole on every rank.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn._cores import cores
from spikelearn._errors import SpikelearnError
from spikelearn._keys import content_key
from spikelearn._threads import n_threads
from spikelearn.simulation.grid.network import GridNetwork
from spikelearn.simulation.grid.synapses import GridProjection

# Numbers that are summed up at once: MPI counts them in 32 bits.
_AT_ONCE = 2**26


@dataclass(frozen=True)
class Ranks:
    """How many there are, which of them this is, and what they speak by: mpi4py's communicator."""

    number: int = 1
    rank: int = 0
    comm: Any = None

    def places(self, first: int, size: int) -> slice:
        """Of nodes that are numbered from `first` on, the places of those at home here."""
        return slice((self.rank - first) % self.number, size, self.number)

    def at_home(self, nodes: np.ndarray) -> np.ndarray:
        """Which of these nodes, by their numbers, are at home here."""
        here: np.ndarray = nodes % self.number == self.rank
        return here

    def share(self, size: int) -> int:
        """Of nodes that were made together, how many are at home on any rank, at most."""
        return -(-size // self.number)

    def gathered(self, part: np.ndarray) -> np.ndarray:
        """The whole numbers that ranks have, one rank's after another's."""
        if self.comm is None:
            return part
        part = np.ascontiguousarray(part, dtype=np.int64)
        counts = self.comm.allgather(part.size)
        whole = np.empty(sum(counts), dtype=np.int64)
        self.comm.Allgatherv(part, [whole, counts])
        return whole

    def add_up(self, values: np.ndarray) -> None:
        """Put the sum over ranks in place of an array, of which each has other numbers than 0."""
        if self.comm is None:
            return
        flat = values.reshape(-1)
        for first in range(0, flat.size, _AT_ONCE):
            part = flat[first : first + _AT_ONCE]
            whole = np.empty_like(part)
            self.comm.Allreduce(part, whole)
            part[:] = whole

    def least(self, value: int) -> int:
        """The least of the ranks' numbers."""
        return value if self.comm is None else int(min(self.comm.allgather(value)))

    def any(self, here: bool) -> bool:
        """Whether it is so on any rank."""
        return here if self.comm is None else any(self.comm.allgather(here))

    def check_same(self, grid: GridNetwork) -> None:
        """Refuse ranks of which one simulates something else: the whole would be neither.

        Raises
        ------
        SpikelearnError
            On every rank.
        """
        if self.comm is None:
            return
        keys = self.comm.allgather(_key(grid))
        others = [rank for rank, key in enumerate(keys) if key != keys[0]]
        if others:
            raise SpikelearnError(
                f"{self.number} ranks simulate one network on NEST together, and"
                f" {'ranks' if len(others) > 1 else 'rank'} {', '.join(map(str, others))} of them"
                f" {'have' if len(others) > 1 else 'has'} another network, stimulus, duration or"
                " seed than rank 0; give all the same"
            )

    def threads(self) -> int:
        """Threads of each: as many as it was told, or its share of the cores; on all the same."""
        if self.comm is None:
            return n_threads()
        mine = (socket.gethostname(), sorted(_cores()))
        beside = [set(of) for host, of in self.comm.allgather(mine) if host == mine[0]]
        # Launchers bind ranks to cores of their own, or let all of a machine run on all of them.
        sharing = sum(1 for of in beside if of & set(mine[1]))
        share = n_threads()
        if share == cores():
            share = max(1, share // sharing)
        return self.least(share)


ALONE = Ranks()


def ranks_of(nest: Any) -> Ranks:
    """The processes that NEST runs on.

    Raises
    ------
    SpikelearnError
        Where mpi4py, by which they gather what they record, is not installed or belongs to another
        MPI than NEST.
    """
    number = int(nest.GetKernelStatus("num_processes"))
    if number == 1:
        return ALONE
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # the latter where it finds no MPI
        raise SpikelearnError(
            f"{number} ranks gather what they record by mpi4py, which cannot be imported ({error});"
            " install it with pip install mpi4py"
        ) from None
    comm = MPI.COMM_WORLD
    if comm.Get_size() != number:
        raise SpikelearnError(
            f"NEST runs on {number} ranks, and mpi4py on {comm.Get_size()}: they use two kinds of"
            " MPI; build mpi4py with that of NEST, by pip install --no-binary mpi4py mpi4py"
        )
    return Ranks(number, int(comm.Get_rank()), comm)


def _cores() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(cores()))


def _key(grid: GridNetwork) -> str:
    """A digest of what is simulated, for which nothing is drawn."""
    return content_key(
        {
            "steps": (grid.dt_ms, grid.n_steps, grid.n_trials),
            "recorded": (grid.record, grid.record_potential, grid.record_every),
            "chosen": grid.chosen,
            "neurons": [
                (name, p.refractory_steps, p.v_rest, p.threshold, p.reset, p.v_init, p.step_per_tau)
                for name, p in grid.neurons.items()
            ],
            "channels": [[c.tau_ms for c in p.channels] for p in grid.neurons.values()],
            "sources": [
                (name, s.size, s.steps, s.trials, s.senders) for name, s in grid.sources.items()
            ],
            "currents": grid.currents,
            "projections": [
                (p.index, p.seed, p.projection, p.network.weight_bits)
                if isinstance(p, GridProjection)
                else (p.name, *p.draw(), p.channel)
                for p in grid.projections
            ],
            "background": grid.background,
            "noise": grid.noise,
        }
    )
