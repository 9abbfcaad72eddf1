"""What a worker does with a batch of tasks: one at a time, within its limit of time, by our code.

A worker computes one batch at a time, whatever threads Dask gives it. A task past its limit of time
cannot be stopped within a process: its worker tells of it and is ended, and its nanny starts
another.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikelearn._allocator import keep_freed_memory
from spikelearn._mpi import by_itself
from spikelearn._threads import at_most, start


@dataclass(frozen=True)
class Job:
    """What a worker does with a batch of tasks.

    Attributes
    ----------
    function : callable
        Takes a task.
    threads : int
    limit_minutes : float or None
        That a task may take.
    version : callable or None
        Gives what must be the same on a worker.
    expected : object
        What that gives here.
    """

    function: Callable[[Any], Any]
    threads: int = 1
    limit_minutes: float | None = None
    version: Callable[[], Any] | None = None
    expected: Any = None


@dataclass(frozen=True)
class Computed:
    """What a worker sends back: the outcomes of the first tasks of a batch, or of all.

    Attributes
    ----------
    outcomes : list
    seconds : float
        That they took together.
    past_limit : bool
        Whether the task after them was not done in its time.
    worker : str
        The address of the worker.
    differs : object
        What its version is, where that is another; then it has computed nothing.
    """

    outcomes: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    past_limit: bool = False
    worker: str = ""
    differs: Any = None


class _Process:
    """What a worker's process remembers: another thread of it may compute at the same time."""

    one_at_a_time = threading.Lock()
    folder: Path | None = None
    spoiled = False  # a task past its limit still computes


def scratch() -> Path | None:
    """The folder for temporary files of a worker that computes, which Dask clears up after it."""
    return _Process.folder


def compute(job: Job, tasks: list[Any]) -> Computed:
    """What a worker does with a batch.

    Parameters
    ----------
    job : Job
    tasks : list
    """
    from distributed import get_worker

    worker = get_worker()
    keep_freed_memory()
    by_itself()
    with _Process.one_at_a_time:
        if job.version is not None and (theirs := _said(job.version)) != job.expected:
            return Computed(worker=worker.address, differs=theirs)
        while _Process.spoiled:  # until it is ended
            time.sleep(1.0)
        _Process.folder = Path(worker.local_directory)
        started = time.monotonic()
        if job.limit_minutes is None:
            with at_most(job.threads):
                outcomes = [job.function(task) for task in tasks]
        else:
            outcomes = _within_limit(job, tasks, 60.0 * job.limit_minutes)
        seconds = time.monotonic() - started
    return Computed(outcomes, seconds, len(outcomes) < len(tasks), worker.address)


async def asked(version: Callable[[], Any], dask_worker: Any) -> Any:
    """What a worker's version is, said by the thread that computes, when it is free.

    Reading code in two threads at a time is more than Python 3.11 bears.

    Parameters
    ----------
    version : callable
    dask_worker : distributed.Worker
        Put here by Dask.
    """

    def alone() -> Any:
        with _Process.one_at_a_time:
            return _said(version)

    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(dask_worker.executors["default"], alone)


def _said(version: Callable[[], Any]) -> Any:
    try:
        return version()
    except Exception as error:  # whatever is not there
        return f"{type(error).__name__}: {error}"


def _within_limit(job: Job, tasks: list[Any], limit_s: float) -> list[Any]:
    """The outcomes of all tasks, or of those before one that took longer than it may."""
    outcomes: list[Any] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            with at_most(job.threads):  # of this thread: OpenMP has a number for each
                outcomes.extend(job.function(task) for task in tasks)
        except BaseException as error:
            raised.append(error)

    thread = start(threading.Thread(target=work, daemon=True))
    n_done, since = 0, time.monotonic()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        while thread.is_alive():
            # Code that never lets go of Python's lock stops this loop, too: it ends the process.
            faulthandler.dump_traceback_later(limit_s + 60.0, exit=True, file=nowhere)
            thread.join(min(0.25, limit_s))
            if len(outcomes) > n_done:
                n_done, since = len(outcomes), time.monotonic()
            elif time.monotonic() - since >= limit_s and thread.is_alive():
                _Process.spoiled = True
                break
        faulthandler.cancel_dump_traceback_later()
    if raised:
        raise raised[0]
    return outcomes[:n_done] if _Process.spoiled else outcomes


async def end_process() -> None:
    """End the process of a worker, when it has answered."""
    await asyncio.sleep(0.1)
    os._exit(1)


def reader() -> Callable[[bytes], Any]:
    """What a worker runs, sent as a whole: it says so where the toolkit cannot be imported there.

    A function that Dask itself cannot read ends the worker, and the next one.
    """

    def read_and_run(sent: bytes) -> Any:
        import pickle
        import platform
        import sys

        try:
            function, arguments = pickle.loads(sent)  # noqa: S301 - of this program's other half
        except Exception as error:
            return platform.node(), sys.executable, f"{type(error).__name__}: {error}"
        return function(*arguments)

    return read_and_run


def differing(mine: Any, theirs: Any) -> str:
    """In what two versions differ, in words."""
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return f"{mine} here, {theirs} there" if not isinstance(mine, dict) else str(theirs)
    return "; ".join(
        f"{name}: {mine.get(name, 'none')} here, {theirs.get(name, 'none')} there"
        for name in dict.fromkeys([*mine, *theirs])
        if mine.get(name) != theirs.get(name)
    )
