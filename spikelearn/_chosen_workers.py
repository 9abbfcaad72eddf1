"""`Workers`: who computes tasks, as a user chooses it; `_workers` shares them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spikelearn._arguments import in_few, is_number, too_long
from spikelearn._clusters import read_queue
from spikelearn._cores import cores
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError


@dataclass(frozen=True)
class Workers:
    """Who computes.

    Attributes
    ----------
    number : int or str
        Processes of this machine; one is this process itself. Of a cluster its jobs, from "2:40" at
        least 2, and up to 40 as there is work.
    scheduler : str
        The address of a Dask scheduler that runs, such as tcp://10.0.0.1:8786, in their place.
    threads : int
        Of each.
    cluster : str
        A file of dask-jobqueue's; the workers are jobs that it describes. See `_clusters`.
    limit_minutes : float or None
        That a task may take; one that takes longer is ended with the process that computes it, so
        that a single worker is a process of its own, too.
    """

    number: int | str = 1
    scheduler: str = ""
    threads: int = 1
    cluster: str = ""
    limit_minutes: float | None = None

    def __post_init__(self) -> None:
        least, most = self.bounds
        if not isinstance(self.threads, int) or isinstance(self.threads, bool) or self.threads < 1:
            raise SpikelearnError(
                f"threads of a worker must be a whole number above 0, found {in_few(self.threads)}"
            )
        limit = self.limit_minutes
        known = limit is None or (is_number(limit) and not too_long(limit))
        if not known or (limit is not None and not 0 < limit < float("inf")):
            raise SpikelearnError(f"a run's limit must be minutes above 0, found {in_few(limit)}")
        if self.scheduler and self.cluster:
            raise SpikelearnError("a scheduler that runs has its workers; give no cluster with it")
        if self.scheduler and most > 1:
            raise SpikelearnError(
                "a number of workers is of this machine, and a scheduler has its own; give one"
            )
        if most > least and not self.cluster:
            raise SpikelearnError(
                f"{self.number} workers, as there is work, are jobs of a cluster; give its file"
            )
        if self.cluster:  # refused before anything runs
            read_queue(self.cluster, self.threads)

    @property
    def bounds(self) -> tuple[int, int]:
        """How many at least, and at most."""
        given = self.number
        parts = given.split(":") if isinstance(given, str) else [given]
        numbers = [_whole(part) for part in parts]
        if len(numbers) > 2 or min(numbers) < 1 or sorted(numbers) != numbers:
            raise SpikelearnError(
                "the number of workers must be a whole number above 0, or of a cluster's jobs two"
                f" as in 2:40, found {given!r}"
            )
        return numbers[0], numbers[-1]

    @property
    def alone(self) -> bool:
        """Whether this process computes itself."""
        return self.bounds == (1, 1) and not self.elsewhere and self.limit_minutes is None

    @property
    def elsewhere(self) -> bool:
        """Whether they may be on other machines, and not see this one's disk."""
        return bool(self.scheduler or self.cluster)

    @property
    def at_once(self) -> int:
        """How many compute at a time, as far as it can be told; 0 where it cannot."""
        if self.scheduler:
            return 0
        most = self.bounds[1]
        if self.cluster:
            return most * read_queue(self.cluster, self.threads).processes
        return min(most, cores())

    def __str__(self) -> str:
        if self.scheduler:
            return f"the workers of {self.scheduler}"
        least, most = self.bounds
        if self.cluster:
            number = counted(most, "job")
            return (
                f"{least} to {number} of {self.cluster}"
                if most > least
                else (f"{number} of {self.cluster}")
            )
        if self.alone:
            return "this process"
        return f"{most} process{'es' if most > 1 else ''}"


def _whole(given: Any) -> int:
    """A whole number, also one that is written; 0 for anything else."""
    if isinstance(given, str):
        return int(given) if given.strip().isdecimal() and len(given) < 10 else 0
    return given if isinstance(given, int) and not isinstance(given, bool) else 0
