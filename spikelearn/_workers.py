"""Tasks computed side by side: here, by processes of this machine, a Dask cluster, a queue's jobs.

    for task, outcome in outcomes(function, tasks, Workers(number=2)):

Dask shares the tasks out and computes those of a worker that died again; it is imported where there
is more than one worker, or a scheduler that runs somewhere. Tasks are taken as workers become free,
and several short ones are sent together, so that neither memory nor what is lost with a worker
grows with their number. A worker computes on one thread unless it is told more.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import multiprocessing
import platform
import signal
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from spikelearn._chosen_workers import Workers
from spikelearn._clusters import GPU, cluster_of, read_queue
from spikelearn._errors import SpikelearnError
from spikelearn._threads import at_most

TOGETHER_S = 0.5  # so much work is sent at once
MOST_TOGETHER = 64
AHEAD = 2  # batches that a worker has or waits for
DEATHS = 3  # of workers that had a task, and it is not tried again
ANSWER_S = 20.0  # for a scheduler to answer


class LostTask:
    """The outcome of a task with which worker after worker died."""

    sentence = (
        f"{DEATHS + 1} workers died one after another while they computed it (out of memory, or"
        " killed)"
    )


Outcome = tuple[Any, Any]


def outcomes(
    function: Callable[[Any], Any],
    tasks: Iterable[Any],
    workers: Workers,
    version: Callable[[], Any] | None = None,
    tell: Callable[[str], None] | None = None,
    uses_gpu: Callable[[Any], bool] | None = None,
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

    Yields
    ------
    (task, outcome)
        The outcome is a `LostTask` where worker after worker died of it.

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
    with _client(workers, version, tell or (lambda sentence: None)) as client:
        send = _Sender(client, function, workers, version, uses_gpu)
        yield from _shared_out(send, iter(tasks), workers.at_once if workers.cluster else 1)


@contextlib.contextmanager
def _client(
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
        "distributed.comm.timeouts.connect": ANSWER_S,
        "distributed.admin.log-length": 0,
    }
    with dask.config.set(settings), _quiet(), contextlib.ExitStack() as stack:
        if workers.scheduler:
            client = stack.enter_context(_of_scheduler(workers.scheduler))
            _refuse_other_versions(client, workers.scheduler, version)
        elif workers.cluster:
            client = stack.enter_context(_of_jobs(workers, tell))
        else:
            client = stack.enter_context(_of_this_machine(workers.bounds[1]))
        if (link := _dashboard(client)) is not None:
            tell(f"Progress can be watched at {link}")
        yield client


def _is_starting() -> bool:
    """Whether this process is one that another starts, still reading its script."""
    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))


@contextlib.contextmanager
def _of_this_machine(number: int) -> Iterator[Any]:
    from distributed import Client, WorkerPlugin

    class Undisturbed(WorkerPlugin):
        """Ctrl-C reaches all processes of a terminal; the workers leave it to this one."""

        def setup(self, worker: Any) -> None:
            with contextlib.suppress(ValueError):  # not of the main thread
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    with (
        tempfile.TemporaryDirectory(prefix="workers-", ignore_cleanup_errors=True) as scratch,
        _closed(_local_cluster(number, scratch)) as cluster,
        _closed(Client(cluster, set_as_default=False)) as client,
    ):
        client.register_plugin(Undisturbed(), name="undisturbed")
        yield client


def _local_cluster(number: int, scratch: str) -> Any:
    from distributed import LocalCluster

    try:
        return LocalCluster(
            n_workers=number,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any free port
            silence_logs=logging.CRITICAL,
            local_directory=scratch,
        )
    except Exception as error:
        raise SpikelearnError(
            f"{number} worker processes could not be started ({error}); a script that starts some"
            " has what it computes below `if __name__ == '__main__':`"
        ) from error


@contextlib.contextmanager
def _of_scheduler(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(address, timeout=ANSWER_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError, ImportError) as error:
        raise SpikelearnError(
            f"no Dask scheduler answers at {address} within {ANSWER_S:g} s; start one with `dask"
            " scheduler`, and workers with `dask worker ADDRESS`"
        ) from error
    with _closed(client):
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise SpikelearnError(
                f"the scheduler at {address} has no workers; start some with `dask worker"
                f" {address} --nthreads 1`"
            )
        yield client


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


def _refuse_other_versions(client: Any, address: str, version: Callable[[], Any] | None) -> None:
    if version is None:
        return
    mine = version()
    for worker, theirs in client.run(version, on_error="return").items():
        if theirs != mine:
            raise SpikelearnError(
                f"the worker {worker} of {address} computes by other code than this process"
                f" ({_differing(mine, theirs)}); install the same versions in both places"
            )


def _differing(mine: Any, theirs: Any) -> str:
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return f"{mine} here, {theirs} there"
    return "; ".join(
        f"{name}: {mine.get(name)} here, {theirs.get(name)} there"
        for name in mine
        if mine.get(name) != theirs.get(name)
    )


def _in_worker(
    function: Callable[[Any], Any],
    tasks: list[Any],
    threads: int,
    version: Callable[[], Any] | None,
    wanted: Any,
) -> Any:
    """What a worker does with a batch: the outcomes, and how long they took."""
    if version is not None and (mine := version()) != wanted:
        raise SpikelearnError(
            f"a worker on {platform.node()} computes by other code than the process that sends it"
            f" work ({_differing(wanted, mine)}); install the same versions in both places"
        )
    started = time.monotonic()
    with at_most(threads):
        found = [function(task) for task in tasks]
    return found, time.monotonic() - started


def _reader() -> Callable[[bytes], Any]:
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


def _readable(given: Any) -> Any:
    """What a worker found, unless it could not read what it was sent."""
    if len(given) == 2:
        return given
    node, python, why = given
    raise SpikelearnError(
        f"a worker on {node} has not what runs take in its Python, {python} ({why}); install the"
        " same there as here"
    )


class _Sender:
    """Sends batches of tasks to workers, those that need a GPU to such as have one."""

    def __init__(
        self,
        client: Any,
        function: Callable[[Any], Any],
        workers: Workers,
        version: Callable[[], Any] | None,
        uses_gpu: Callable[[Any], bool] | None,
    ) -> None:
        self.client, self.function, self.workers = client, function, workers
        # Processes of this machine are of the same code, and share its GPUs.
        self.version = version if workers.elsewhere else None
        self.wanted = self.version() if self.version is not None else None
        self.uses_gpu = uses_gpu if workers.elsewhere else None
        self.reader = _reader()
        self.gpu_is_there = False

    @property
    def n_workers(self) -> int:
        """Workers there are now."""
        return len(self._known())

    def _known(self) -> Any:
        return self.client.scheduler_info(n_workers=-1)["workers"]

    def send(self, batch: list[Any]) -> list[tuple[Any, list[Any]]]:
        """Futures, each with its tasks."""
        parts = [(False, batch)]
        if self.uses_gpu is not None:
            need = [self.uses_gpu(task) for task in batch]
            parts = [
                (kind, [task for task, one in zip(batch, need, strict=True) if one == kind])
                for kind in (False, True)
            ]
        return [(self._submitted(part, on_gpu), part) for on_gpu, part in parts if part]

    def _submitted(self, batch: list[Any], on_gpu: bool) -> Any:
        if on_gpu:
            self._require_gpu()
        from distributed.protocol.pickle import dumps

        arguments = self.function, batch, self.workers.threads, self.version, self.wanted
        # The same task may be sent again: a name of its own for each time.
        return self.client.submit(
            self.reader,
            dumps((_in_worker, arguments)),
            resources={GPU: 1} if on_gpu else None,
            pure=False,
        )

    def _require_gpu(self) -> None:
        """Refuse what would wait for a worker with a GPU for ever."""
        if self.gpu_is_there:
            return
        if self.workers.cluster:
            queue = read_queue(self.workers.cluster, self.workers.threads)
            there, how = queue.gpus >= 1, f"worker-extra-args: [--resources, {GPU}=1]"
        else:
            there = any(w.get("resources", {}).get(GPU, 0) >= 1 for w in self._known().values())
            how = f"`dask worker --resources {GPU}=1`"
        if not there:
            raise SpikelearnError(
                f"a run computes on a GPU, and no worker of"
                f" {self.workers.cluster or self.workers.scheduler} says that it has one, as by"
                f" {how}"
            )
        self.gpu_is_there = True


def _shared_out(send: _Sender, tasks: Iterator[Any], expected: int) -> Iterator[Outcome]:
    from concurrent.futures import CancelledError

    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    waiting = as_completed(loop=send.client.loop)
    batches: dict[str, list[Any]] = {}
    seconds, n_done = 0.0, 0

    def submit(batch: list[Any]) -> None:
        for future, part in send.send(batch):
            batches[future.key] = part
            waiting.add(future)

    def fill() -> None:
        # Also for jobs that wait in a queue: there is work as soon as they start.
        n_workers = max(expected, send.n_workers)
        each = seconds / n_done if n_done else TOGETHER_S
        size = int(min(max(TOGETHER_S / max(each, 1e-6), 1), MOST_TOGETHER))
        while len(batches) < AHEAD * n_workers and (batch := list(itertools.islice(tasks, size))):
            submit(batch)

    fill()
    while batches:
        future = next(waiting)
        batch = batches.pop(future.key)
        try:
            found, took = _readable(future.result())
        except KilledWorker:
            if len(batch) == 1:
                yield batch[0], LostTask()
            else:  # which of them it was shows when each is alone
                for task in batch:
                    submit([task])
        except (CancelledError, OSError) as error:
            raise SpikelearnError(
                f"the scheduler has gone away ({type(error).__name__}); what is complete is kept,"
                " and the same command goes on from there"
            ) from error
        else:
            seconds, n_done = seconds + took, n_done + len(batch)
            yield from zip(batch, found, strict=True)
        future.release()
        fill()
