"""Who shares a training: processes, which send each other sums, or threads of one process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch

from spikelearn._threads import ThreadPool

Found = TypeVar("Found")

_HERE = "127.0.0.1"
_ONE_SECOND = timedelta(seconds=1)
_FOR_EVER = timedelta(days=1000)  # how long is waited is decided second by second


class LostRank(Exception):
    """Another of the group has ended, or does not answer."""


class Processes:
    """Processes of this machine, by torch.distributed (gloo).

    Parameters
    ----------
    meeting : Path
        A file by which they find each other; there is none when the first comes.
    rank : int
        Which of them this one is, from 0.
    number : int
        How many they are.
    waiting : callable, optional
        Called in every second in which nothing comes, with the number of those in a row; what it
        raises ends the waiting.
    """

    def __init__(
        self,
        meeting: Path,
        rank: int,
        number: int,
        waiting: Callable[[int], None] | None = None,
    ) -> None:
        import torch.distributed as dist

        self.rank, self.number = rank, number
        self._waiting = waiting
        gloo: Any = dist.ProcessGroupGloo
        options = gloo._Options()
        options._devices = [gloo.create_device(hostname=_HERE)]
        options._timeout = _FOR_EVER
        self._group: Any = gloo(dist.FileStore(str(meeting), number), rank, number, options)

    def add_up(self, tensor: torch.Tensor) -> None:
        """Write the sum over all processes into `tensor`.

        Raises
        ------
        LostRank
        """
        work = self._group.allreduce([tensor])
        seconds = 0
        while not _is_over(work):
            seconds += 1
            if self._waiting is not None:
                self._waiting(seconds)
        try:
            work.wait()
        except RuntimeError as error:
            raise LostRank(" ".join(str(error).split())[:200]) from error


def _is_over(work: Any) -> bool:
    """Whether the sum is there, or can no longer come, within a second."""
    try:
        work.wait(_ONE_SECOND)
    except RuntimeError:  # that the second is over, or what went wrong
        return bool(work.is_completed())
    return True


class _Table:
    """Where threads lay down what they give, and take the sum."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.changed = threading.Condition()
        self.given: dict[int, torch.Tensor] = {}
        self.sum = torch.zeros(())
        self.n_sums = 0
        self.one_left = False


class _Thread:
    """One of several threads that add up what each gives, in the order of their ranks."""

    def __init__(self, table: _Table, rank: int) -> None:
        self.rank, self.number, self._table = rank, table.number, table

    def add_up(self, tensor: torch.Tensor) -> None:
        table = self._table
        with table.changed:
            before = table.n_sums
            table.given[self.rank] = tensor.detach().clone()
            if len(table.given) == table.number:
                table.sum = torch.stack([table.given[i] for i in range(table.number)]).sum(0)
                table.given = {}
                table.n_sums += 1
                table.changed.notify_all()
            else:
                table.changed.wait_for(lambda: table.n_sums > before or table.one_left)
                if table.n_sums == before:
                    raise LostRank("another thread has ended")
            found = table.sum
        tensor.copy_(found)


def in_threads(number: int, work: Callable[[_Thread], Found]) -> list[Found]:
    """What so many threads of this process give that do the same work as a group.

    Parameters
    ----------
    number : int
    work : callable
        Takes a group.

    Returns
    -------
    list
        By rank.

    Raises
    ------
    Exception
        The first that the work raises, in the order of the ranks.
    """
    table = _Table(number)

    def one(rank: int) -> Found:
        try:
            return work(_Thread(table, rank))
        finally:
            with table.changed:
                table.one_left = True
                table.changed.notify_all()

    with ThreadPool(number) as pool:
        futures = [pool.submit(one, rank) for rank in range(number)]
    failed = [error for future in futures if (error := future.exception()) is not None]
    # Those that a failure has left alone say nothing of it.
    for error in sorted(failed, key=lambda error: isinstance(error, LostRank)):
        raise error
    return [future.result() for future in futures]
