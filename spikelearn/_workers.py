"""Tasks computed side by side: here, by processes of this machine, a Dask cluster, a queue's jobs.

    for task, outcome in outcomes(function, tasks, Workers(number=2)):

Dask shares the tasks out and computes those of a worker that died again; it is imported where there
is more than one worker, or a scheduler that runs somewhere. Tasks are taken as workers become free,
and several short ones are sent together, so that neither memory nor what is lost with a worker
grows with their number. A worker computes on one thread unless it is told more.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikelearn._atomic import hidden_folder
from spikelearn._batches import Job
from spikelearn._chosen_workers import Workers
from spikelearn._clusters import cluster_of, read_queue
from spikelearn._errors import SpikelearnError
from spikelearn._imported_ahead import ONE_THREAD, import_ahead, start_method
from spikelearn._scheduler import client_of, refuse_other_versions
from spikelearn._sharing_out import DEATHS, LostTask, PastLimit, Sender, SharedOut
from spikelearn._threads import at_most

__all__ = ["LostTask", "PastLimit", "Workers", "begin", "held", "outcomes"]

HUNG_S = 60  # without a sign of life, and a worker of this machine is ended
STARTS_S = 120  # for a worker of this machine to start again, before another is started
NONE_STARTS_S = 600.0  # without a worker of this machine, and none is waited for any more
_MEMORY = ("target", "spill", "pause")  # of Dask's measures as it fills

Outcome = tuple[Any, Any]


def outcomes(
    function: Callable[[Any], Any],
    tasks: Iterable[Any],
    workers: Workers,
    version: Callable[[], Any] | None = None,
    tell: Callable[[str], None] | None = None,
    uses_gpu: Callable[[Any], bool] | None = None,
    watch: Callable[[int], None] | None = None,
) -> Generator[Outcome, None, None]:
    """Each task with what the function gives for it, in the order in which they are done.

    Parameters
    ----------
    function : callable
        Takes a task; where others compute, it and tasks and outcomes are sent by pickle. What it
        raises ends all.
    tasks : iterable
        Taken one after another as there are workers for them.
    workers : Workers
    version : callable, optional
        Gives what must be the same here and on every worker elsewhere, whenever that joins.
    tell : callable, optional
        Called with a sentence on where progress can be watched, and on jobs that wait.
    uses_gpu : callable, optional
        Whether a task needs a GPU: elsewhere it then waits for a worker that says it has one, as
        `dask worker --resources GPU=1` does.
    watch : callable, optional
        Called with how many other processes compute, as it changes.

    Yields
    ------
    (task, outcome)
        The outcome is a `LostTask` where worker after worker died of it, a `PastLimit` where it
        took longer than it may.

    Raises
    ------
    SpikelearnError
        Where workers do not start, a scheduler does not answer or has no worker, a queue takes no
        job, or versions differ, before anything is computed there.
    """
    if workers.alone:
        with at_most(workers.threads):
            for task in tasks:
                yield task, function(task)
        return
    tell = tell or (lambda sentence: None)
    # Processes of this machine are of the same code.
    asked = version if workers.elsewhere else None
    job = Job(function, workers.threads, workers.limit_minutes, asked, asked and asked())
    with _client(workers, asked, tell) as client:
        wait_s = None if workers.elsewhere else NONE_STARTS_S
        expected = workers.at_once if workers.cluster else 1
        sender = Sender(client, job, workers, uses_gpu)
        number = workers.bounds[1]

        def revive(there: int) -> None:
            if not workers.elsewhere and there < number:
                client.cluster.scale(number)

        keep_long = not workers.elsewhere
        shared_out = SharedOut(sender, tell, wait_s, expected, watch, revive, keep_long)
        yield from shared_out.outcomes(tasks)


def begin(workers: Workers, modules: Iterable[str]) -> None:
    """Import what processes of this machine need, beside what this one does until it needs them.

    Parameters
    ----------
    workers : Workers
    modules : iterable of str
        See `_imported_ahead`.
    """
    if not (workers.alone or workers.elsewhere):
        import_ahead(modules)


@dataclass
class _Held:
    """Workers that stay until a block ends: started when something is first shared out in it."""

    until_end: contextlib.ExitStack
    client: Any = None


_held: dict[Workers, _Held] = {}


@contextlib.contextmanager
def held(workers: Workers) -> Iterator[None]:
    """Within the block, workers stay from one use to the next: starting them takes a while.

    Parameters
    ----------
    workers : Workers
    """
    if workers.alone or workers in _held:
        yield
        return
    with contextlib.ExitStack() as until_end:
        _held[workers] = _Held(until_end)
        until_end.callback(_held.pop, workers)
        yield


@contextlib.contextmanager
def _client(
    workers: Workers, version: Callable[[], Any] | None, tell: Callable[[str], None]
) -> Iterator[Any]:
    held_now = _held.get(workers)
    if held_now is None:
        with _started(workers, version, tell) as client:
            yield client
        return
    if held_now.client is None:
        held_now.client = held_now.until_end.enter_context(_started(workers, version, tell))
    yield held_now.client


@contextlib.contextmanager
def _started(
    workers: Workers, version: Callable[[], Any] | None, tell: Callable[[str], None]
) -> Iterator[Any]:
    if multiprocessing.parent_process() is not None and _is_starting():
        raise SpikelearnError(
            "several workers are started by a script while it starts as one of them itself; put"
            " what it computes below `if __name__ == '__main__':`"
        )
    import dask
    import distributed  # noqa: F401 - which enters its own settings when it is imported

    settings = {
        "distributed.scheduler.allowed-failures": DEATHS,
        "distributed.scheduler.worker-ttl": HUNG_S,
        **({} if workers.elsewhere else _of_local_workers()),
        "distributed.admin.log-length": 0,
        "distributed.nanny.pre-spawn-environ": ONE_THREAD,  # see _allocator
        # A worker that has much memory in use would wait for ever, though nobody takes it away.
        **dict.fromkeys((f"distributed.worker.memory.{name}" for name in _MEMORY), False),
    }
    with dask.config.set(settings), _quiet(), contextlib.ExitStack() as stack:
        if workers.scheduler:
            client = stack.enter_context(client_of(workers.scheduler, tell))
            refuse_other_versions(client, workers.scheduler, version)
        elif workers.cluster:
            client = stack.enter_context(_of_jobs(workers, tell))
        else:
            client = stack.enter_context(_of_this_machine(workers.bounds[1]))
        if (link := _dashboard(client)) is not None:
            tell(f"Progress can be watched at {link}")
        yield client


def _of_local_workers() -> dict[str, Any]:
    """Settings of Dask's for processes of this machine."""
    return {
        # On a busy machine a worker takes longer to start again; Dask would replace it by none.
        "distributed.deploy.lost-worker-timeout": STARTS_S,
        "distributed.worker.multiprocessing-method": start_method(),
        # What Dask measures of itself, a hundred times a second, takes three in a hundred of each
        # worker and of this process. The dashboard goes without its page of profiles.
        "distributed.worker.profile.enabled": False,
        "distributed.admin.tick.interval": "1s",
        "distributed.admin.system-monitor.interval": "2s",
    }


def _is_starting() -> bool:
    """Whether this process is one that another starts, still reading its script."""
    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))


@contextlib.contextmanager
def _of_this_machine(number: int) -> Iterator[Any]:
    from distributed import Client, WorkerPlugin

    environment = {**os.environ, **ONE_THREAD}

    class Undisturbed(WorkerPlugin):
        """Ctrl-C reaches all processes of a terminal; the workers leave it to this one."""

        def setup(self, worker: Any) -> None:
            with contextlib.suppress(ValueError):  # not of the main thread
                signal.signal(signal.SIGINT, signal.SIG_IGN)
            _be_no_copy(environment)

    with (
        hidden_folder(Path(tempfile.gettempdir(), "workers")) as scratch,
        _closed(_local_cluster(number, str(scratch))) as cluster,
        _closed(Client(cluster, set_as_default=False)) as client,
    ):
        client.register_plugin(Undisturbed(), name="undisturbed")
        yield client


def _be_no_copy(environment: Mapping[str, str]) -> None:
    """What a worker has as if it had started from nothing, and not as what it is a copy of.

    That is its environment, and the numbers that NumPy draws where a user's own code names no
    seed: copies would all draw the same.
    """
    import numpy as np

    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
    np.random.seed()  # noqa: NPY002 - what such code draws from


def _local_cluster(number: int, scratch: str) -> Any:
    from distributed import LocalCluster
    from distributed.system import MEMORY_LIMIT

    try:
        return LocalCluster(
            n_workers=number,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any free port
            silence_logs=logging.CRITICAL,
            local_directory=scratch,
            # Each may take what there is, as a process that computes alone may.
            memory_limit=MEMORY_LIMIT,
        )
    except Exception as error:
        raise SpikelearnError(
            f"{number} worker processes could not be started ({error}); a script that starts some"
            " has what it computes below `if __name__ == '__main__':`"
        ) from error


@contextlib.contextmanager
def _of_jobs(workers: Workers, tell: Callable[[str], None]) -> Iterator[Any]:
    from distributed import Client

    queue = read_queue(workers.cluster, workers.threads)
    with (
        cluster_of(queue, workers.bounds, tell) as cluster,
        _closed(Client(cluster, set_as_default=False)) as client,
    ):
        yield client


@contextlib.contextmanager
def _closed(thing: Any) -> Iterator[Any]:
    """Closed at the end, whatever that end is; what it says of itself then helps nobody."""
    try:
        yield thing
    finally:
        with contextlib.suppress(Exception):
            thing.close(timeout=10)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Dask's own words on workers that come and go are told by us, where they matter."""
    names = ("distributed", "distributed.nanny", "distributed.scheduler", "distributed.client",
             "distributed.core", "distributed.worker", "distributed.comm", "tornado.application",
             "distributed.batched", "distributed.utils", "asyncio")  # fmt: skip
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _has_dashboard() -> bool:
    import importlib.util

    return importlib.util.find_spec("bokeh") is not None


def _dashboard(client: Any) -> str | None:
    return client.dashboard_link if _has_dashboard() else None
