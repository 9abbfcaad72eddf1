"""How many runs a sweep takes, how long, and how much of the disk: told before it starts."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._atomic import check_room
from spikelearn._counts import counted
from spikelearn._small_results import SmallResults
from spikelearn._workers import Workers
from spikelearn.sweeps.description import Sweep

if TYPE_CHECKING:
    from spikelearn.sweeps.plan import Plan

# Of a run: what was measured, as text and in the table.
RESULT_BYTES = 1500
_LOOKED_AT = 200  # stored runs that tell how long one takes


class Estimate:
    """What is said of a sweep before it starts, and when its first run is done.

    Parameters
    ----------
    sweep : Sweep
    plan : Plan
    results : SmallResults
    workers : Workers
    n_failed : int
        Runs that failed an earlier time and are not tried again.
    """

    def __init__(
        self,
        sweep: Sweep,
        plan: Plan,
        results: SmallResults,
        workers: Workers,
        n_failed: int = 0,
    ) -> None:
        self.sweep, self.plan, self.results, self.workers = sweep, plan, results, workers
        self.n_failed = n_failed

    def before(self, n_to_do: int) -> list[str]:
        """Number of runs, disk, and time where stored runs tell it.

        Raises
        ------
        WriteError
            Where the disk does not hold the results.
        """
        n, axes = len(self.plan), self.plan.axes
        grid = " x ".join(str(len(axis)) for axis in axes) or "1"
        seeds = len(self.sweep.seeds)
        sentence = f"{counted(n, 'run')} ({grid} {'value' if grid == '1' else 'values'},"
        sentence += f" {counted(seeds, 'seed')})"
        if n_to_do < n:
            sentence += f", of which {n - n_to_do:,} need not be computed"
            if self.n_failed:
                sentence += f" ({self.n_failed:,} failed an earlier time)"
        size = n_to_do * RESULT_BYTES
        sentence += f"; {n_to_do:,} to compute on {self.workers}, about {in_bytes(size)} of results"
        check_room(self.results.path, size)
        seconds = self._stored_seconds()
        if n_to_do and seconds is not None:
            sentence += f", about {self._all(seconds, n_to_do)} by those that are stored"
        return [sentence]

    def after_first(self, outcome: dict[str, Any], n_to_do: int) -> list[str]:
        """How long all will take, by the first run, and what its spikes take of the disk."""
        seconds = outcome.get("seconds")
        if seconds is None or n_to_do < 2 or "failed" in outcome:
            return []
        sentence = (
            f"The first run took {duration(seconds)}; all of them about"
            f" {self._all(seconds, n_to_do)}"
        )
        if (spikes := outcome.get("spikes")) is not None:
            file = Path(self.results.path.parent) / spikes
            size = file.stat().st_size * n_to_do
            sentence += f", and their spikes about {in_bytes(size)}"
            check_room(file, size)
        return [sentence]

    @staticmethod
    def of_first(seconds: float, n_to_do: int, workers: Workers) -> str:
        """How long all take at most, by the first run.

        Parameters
        ----------
        seconds : float
        n_to_do : int
        workers : Workers
        """
        return (
            f"The first run took {duration(seconds)}; all of them at most about"
            f" {_together(seconds, n_to_do, workers)}"
        )

    def _stored_seconds(self) -> float | None:
        """Mean time of runs of this sweep that are stored."""
        found = (self.results.find(r.key) for r in itertools.islice(self.plan.runs(), _LOOKED_AT))
        seconds = [one["seconds"] for one in found if one and "failed" not in one]
        return sum(seconds) / len(seconds) if seconds else None

    def _all(self, seconds: float, n_to_do: int) -> str:
        return _together(seconds, n_to_do, self.workers)


def _together(seconds: float, n_to_do: int, workers: Workers) -> str:
    """How long all take; a scheduler may have any number of workers."""
    words = duration(seconds * n_to_do / max(workers.at_once, 1))
    return words if workers.at_once else f"{words} of one worker"


def duration(seconds: float) -> str:
    """A time in words."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 2e5 else f"{seconds / 86400:.1f} days"


def in_bytes(size: float) -> str:
    """A size in words."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
