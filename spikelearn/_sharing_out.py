"""Batches of tasks shared out among the workers of a Dask client, whatever becomes of them.

Dask computes again what a worker had that died, and gives up a batch with which several died, one
after another. That may be the fault of a task that waited beside it. So what is given up is tried
once more: the tasks of a batch each by itself, and a single one at the end, when nothing else is
computed. Only what takes workers with it even then is lost. An outcome that says of itself that it
`lacks_room` is tried at the end, too: whether memory is free hangs on what others need of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spikelearn._batches import Computed, Job, compute, differing, end_process, reader
from spikelearn._chosen_workers import Workers
from spikelearn._clusters import GPU, read_queue
from spikelearn._errors import SpikelearnError

TOGETHER_S = 0.5  # so much work is sent at once
MOST_TOGETHER = 64
AHEAD = 2  # batches that a worker has or waits for
LONG_S = 2.0  # that a long task takes
DEATHS = 2  # of workers that had a batch, and it is given up at the next
SILENT_S = 30.0  # without an answer, and a scheduler is taken for dead
LOOKS_S = 1.0  # between two looks at a scheduler from which nothing comes
NO_WORKER_S = 30.0  # without a worker, and it is told
KEPT = "what is complete is kept, and the same command goes on from there"


@dataclass(frozen=True)
class LostTask:
    """The outcome of a task with which worker after worker died.

    Attributes
    ----------
    sentence : str
    """

    sentence: str = (
        "workers died one after another while they computed it, at last with nothing else beside it"
        " (out of memory, ended by its own code, killed, or with their job's time)"
    )


class PastLimit(LostTask):
    """The outcome of a task that took longer than it may."""


class Sender:
    """Sends batches of tasks to workers, those that need a GPU to such as have one.

    Parameters
    ----------
    client : distributed.Client
    job : Job
        What they do with a batch.
    workers : Workers
    uses_gpu : callable or None
        Whether a task needs a GPU.
    """

    def __init__(
        self,
        client: Any,
        job: Job,
        workers: Workers,
        uses_gpu: Callable[[Any], bool] | None = None,
    ) -> None:
        self.client, self.job, self.workers = client, job, workers
        # Processes of this machine share its GPUs.
        self.uses_gpu = uses_gpu if workers.elsewhere else None
        self.reader = reader()
        self.gpu_is_there = False

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

        # The same task may be sent again: a name of its own for each time.
        return self.client.submit(
            self.reader,
            dumps((compute, (self.job, batch))),
            resources={GPU: 1} if on_gpu else None,
            pure=False,
        )

    def _require_gpu(self) -> None:
        """Refuse what would wait for a worker with a GPU for ever."""
        if self.gpu_is_there:
            return
        if self.workers.cluster:
            jobs = read_queue(self.workers.cluster, self.workers.threads)
            there, how = jobs.gpus >= 1, f"worker-extra-args: [--resources, {GPU}=1]"
        else:
            known = self.client.scheduler_info(n_workers=-1)["workers"].values()
            there = any(worker.get("resources", {}).get(GPU, 0) >= 1 for worker in known)
            how = f"`dask worker --resources {GPU}=1`"
        if not there:
            raise SpikelearnError(
                f"a run computes on a GPU, and no worker of"
                f" {self.workers.cluster or self.workers.scheduler} says that it has one, as by"
                f" {how}"
            )
        self.gpu_is_there = True


class SharedOut:
    """Tasks at the workers of a client.

    Parameters
    ----------
    sender : Sender
    tell : callable
        Called with a sentence where there are no workers.
    wait_s : float or None
        How long to wait for a worker where there is none; for ever, if None.
    expected : int
        Workers for which there is work as soon as they start.
    watch : callable, optional
        Called with how many workers compute, as it changes.
    revive : callable, optional
        Given how many workers there are, starts others in place of those that do not start again.
    keep_long : bool
        Whether long tasks stay here until a worker is free, so that none waits behind another. A
        cluster that grows with what waits for its workers would not, then.
    """

    def __init__(
        self,
        sender: Sender,
        tell: Callable[[str], None],
        wait_s: float | None = None,
        expected: int = 1,
        watch: Callable[[int], None] | None = None,
        revive: Callable[[int], Any] | None = None,
        keep_long: bool = False,
    ) -> None:
        self.keep_long = keep_long
        self.watch, self._n_at_work = watch, -1
        self.revive = revive
        self.sender, self.tell, self.wait_s, self.expected = sender, tell, wait_s, expected
        self.client, self.job = sender.client, sender.job
        self._ended: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
        self._batches: dict[str, tuple[list[Any], Any]] = {}
        self._doubtful: list[Any] = []
        self._by_itself = False  # nothing else is computed
        self._seconds, self._n_done = 0.0, 0
        self._n_workers, self._looked, self._without_since = 1, float("-inf"), float("inf")
        self._told = False

    def outcomes(self, tasks: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Each task with its outcome, in the order in which they are done.

        Raises
        ------
        SpikelearnError
            Where the scheduler goes away, or the version of a worker is another.
        """
        left = iter(tasks)
        try:
            self._fill(left)
            while self._batches or self._doubtful:
                while self._batches:
                    yield from self._next(self._again)
                    self._fill(left)
                yield from self._one_by_one()
                self._fill(left)  # there may be more tasks, now that these are known
        finally:
            for _, fetching in self._batches.values():
                fetching.cancel()

    def _one_by_one(self) -> Iterator[tuple[Any, Any]]:
        """The outcomes of doubtful tasks, each with nothing else beside it."""
        doubtful, self._doubtful = self._doubtful, []
        self._by_itself = True
        for task in doubtful:
            self._submit([task])
            while self._batches:
                yield from self._next(lambda batch: [(batch[0], LostTask())])
        self._by_itself = False

    def _fill(self, tasks: Iterator[Any]) -> None:
        self._look()
        each = self._seconds / self._n_done if self._n_done else TOGETHER_S
        size = int(min(max(TOGETHER_S / max(each, 1e-6), 1), MOST_TOGETHER))
        ahead = 1 if self.keep_long and each > LONG_S else AHEAD
        most = ahead * max(self.expected, self._n_workers)
        while len(self._batches) < most and (batch := list(itertools.islice(tasks, size))):
            self._submit(batch)
        self._tell_how_many()

    def _tell_how_many(self) -> None:
        """Say how many workers compute: those there are, as far as there is work for them."""
        n_at_work = min(self._n_workers, len(self._batches))
        if self.watch is not None and n_at_work != self._n_at_work:
            self.watch(n_at_work)
        self._n_at_work = n_at_work

    def _submit(self, batch: list[Any]) -> None:
        loop = self.client.loop.asyncio_loop
        for future, part in self.sender.send(batch):
            fetching = asyncio.run_coroutine_threadsafe(self._fetch(future), loop)
            self._batches[future.key] = part, fetching

    async def _fetch(self, future: Any) -> None:
        found: Any
        try:
            found = await future.result()  # which waits, in the client's own loop
        except Exception as error:
            found = error
        self._ended.put((future, found))

    def _again(self, batch: list[Any]) -> list[tuple[Any, Any]]:
        """Try the tasks of a batch that was given up once more."""
        if len(batch) == 1:
            self._doubtful += batch
        else:
            for task in batch:
                self._submit([task])
        return []

    def _next(
        self, given_up: Callable[[list[Any]], list[tuple[Any, Any]]]
    ) -> Iterator[tuple[Any, Any]]:
        """The outcomes of the batch that ends next."""
        from concurrent.futures import CancelledError

        from distributed.scheduler import KilledWorker

        future, found = self._awaited()
        batch, _ = self._batches.pop(future.key)
        future.release()
        if isinstance(found, KilledWorker):
            yield from given_up(batch)
        elif isinstance(found, CancelledError | OSError):
            raise SpikelearnError(f"the scheduler has gone away; {KEPT}") from found
        elif isinstance(found, BaseException):
            raise found
        elif not isinstance(found, Computed):
            node, python, why = found
            raise SpikelearnError(
                f"a worker on {node} has not what runs take in its Python, {python} ({why});"
                " install the same there as here"
            )
        else:
            yield from self._taken(batch, found)

    def _taken(self, batch: list[Any], found: Computed) -> Iterator[tuple[Any, Any]]:
        if found.differs is not None:
            said = differing(self.job.expected, found.differs)
            raise SpikelearnError(
                f"the worker {found.worker} computes by other code than this process ({said});"
                f" install the same versions in both places; {KEPT}"
            )
        self._seconds += found.seconds
        self._n_done += len(found.outcomes)
        if found.past_limit:
            with contextlib.suppress(Exception):  # it may have gone by itself
                self.client.run(end_process, workers=[found.worker], wait=False)
            _, *left = batch[len(found.outcomes) :]
            if left:
                self._submit(left)
        for task, outcome in zip(batch, found.outcomes, strict=False):
            if getattr(outcome, "lacks_room", False) and not self._by_itself:
                self._doubtful.append(task)
            else:
                yield task, outcome
        if found.past_limit:
            limit = self.job.limit_minutes
            sentence = f"it took longer than its limit of {limit:g} min"
            yield batch[len(found.outcomes)], PastLimit(sentence)

    def _awaited(self) -> tuple[Any, Any]:
        """The next batch that ends, and how; meanwhile the scheduler is looked at."""
        while True:
            try:
                return self._ended.get(timeout=LOOKS_S)
            except queue.Empty:
                self._look()

    def _look(self) -> None:
        """Ask the scheduler how many workers it has, now and then.

        Raises
        ------
        SpikelearnError
            Where it does not answer.
        """
        now = time.monotonic()
        if now - self._looked < LOOKS_S:
            return
        self._looked = now
        try:
            if self.client.scheduler is None:
                raise OSError("the client is closed")
            about = self.client.sync(
                self.client.scheduler.identity, n_workers=-1, callback_timeout=SILENT_S
            )
        except TimeoutError as error:
            raise SpikelearnError(
                f"the scheduler has not answered for {SILENT_S:g} s; {KEPT}"
            ) from error
        except OSError as error:
            raise SpikelearnError(f"the scheduler has gone away; {KEPT}") from error
        self._n_workers = len(about["workers"])
        self._tell_how_many()
        if self.revive is not None:
            self.revive(self._n_workers)
        self._tell_of_none(time.monotonic())

    def _tell_of_none(self, now: float) -> None:
        """Say that there is nobody who computes; and end where that does not change."""
        if self._n_workers:
            self._without_since, self._told = float("inf"), False
            return
        self._without_since = min(now, self._without_since)
        without_s = now - self._without_since
        if self.wait_s is not None and without_s > self.wait_s:
            raise SpikelearnError(
                f"there has been no worker for {self.wait_s:g} s, and none starts any more; {KEPT}"
            )
        if without_s > NO_WORKER_S and not self._told:
            self._told = True
            self.tell(
                "There is no worker now; waiting for one. Ctrl-C ends: what is complete stays"
            )
