"""Batches shared out: what is lost, and how often, whatever happens to those who compute."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import functools
import itertools
import random
import threading
import types
from concurrent.futures import CancelledError

import pytest
from distributed.scheduler import KilledWorker

from spikelearn import SpikelearnError, _sharing_out
from spikelearn._batches import Computed, Job
from spikelearn._sharing_out import DEATHS, LostTask, PastLimit, SharedOut


class Pool:
    """Workers that are none, whose scheduler counts deaths as Dask's does.

    Parameters
    ----------
    computed : callable
        Gives what a worker sends back of a batch; raises KeyError where the batch kills it.
    beside : callable
        Whether a batch is at a worker that another batch kills.
    """

    def __init__(self, computed, n_workers=2, beside=lambda: False):
        self.computed, self.n_workers, self.beside = computed, n_workers, beside
        self.loop = types.SimpleNamespace(asyncio_loop=asyncio.new_event_loop())
        self.scheduler = types.SimpleNamespace(identity=self.identity)
        self.job = Job(None, limit_minutes=2.0)
        self.sent, self.ended, self.at_once = [], [], []
        self.client, self._open = self, 0
        self._thread = threading.Thread(target=self.loop.asyncio_loop.run_forever, daemon=True)
        self._thread.start()

    async def identity(self, n_workers):
        return {"workers": range(self.n_workers)}

    def sync(self, function, callback_timeout, **given):
        waiting = asyncio.run_coroutine_threadsafe(function(**given), self.loop.asyncio_loop)
        try:
            return waiting.result(callback_timeout)
        except TimeoutError:
            waiting.cancel()
            raise

    def send(self, batch):
        self.sent.append(batch)
        self._open += 1
        self.at_once.append(self._open)
        key = str(len(self.sent))
        result = functools.partial(self._result, key, batch)
        return [(types.SimpleNamespace(key=key, result=result, release=self._release), batch)]

    def _release(self):
        self._open -= 1

    async def _result(self, key, batch):
        for _ in range(DEATHS + 1):
            await asyncio.sleep(0)
            try:
                found = self.computed(batch)
            except KeyError:
                continue
            if self._open > 1 and self.beside():
                continue
            return found
        raise KilledWorker(key, None, DEATHS)

    def run(self, function, workers, wait):
        self.ended += workers

    @staticmethod
    async def _settle():
        """What was cancelled has its turn: a loop that is closed before leaves it pending."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def close(self):
        loop = self.loop.asyncio_loop
        asyncio.run_coroutine_threadsafe(self._settle(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()


@pytest.fixture
def pool_of():
    with contextlib.ExitStack() as stack:

        def made(*given, **named):
            pool = Pool(*given, **named)
            stack.callback(pool.close)
            return pool

        yield made


def shared(pool, tasks, **more):
    told = []
    return list(SharedOut(pool, told.append, **more).outcomes(tasks)), told


def squares(batch, seconds=0.0):
    return Computed([task**2 for task in batch], seconds)


def test_batches_grow_as_tasks_turn_out_short_and_are_few_at_a_time(pool_of):
    pool = pool_of(squares)
    found, _ = shared(pool, range(500))
    assert sorted(found) == [(n, n**2) for n in range(500)]
    sizes = [len(batch) for batch in pool.sent]
    assert sizes[0] == 1
    assert max(sizes) == _sharing_out.MOST_TOGETHER
    assert max(pool.at_once) <= 2 * _sharing_out.AHEAD
    begun = 2 * _sharing_out.AHEAD
    # What takes long waits for whoever is free first, and behind no other task, if that is asked.
    for keep_long, waiting in ((True, 2), (False, begun)):
        slow = pool_of(lambda batch: squares(batch, 10.0 * len(batch)))
        shared(slow, range(20), keep_long=keep_long)
        assert {len(batch) for batch in slow.sent} == {1}
        assert max(slow.at_once[begun:]) == waiting


@pytest.mark.parametrize("seed", range(5))
def test_only_what_kills_workers_by_itself_is_lost(pool_of, seed):
    draw = random.Random(seed)  # noqa: S311 - no secret
    bad = set(draw.sample(range(120), 30))
    tried = collections.Counter()

    def computed(batch):
        tried.update(batch)
        if bad & set(batch):
            raise KeyError
        return squares(batch)

    # Whoever waits beside a bad one dies with it more often than not.
    pool = pool_of(computed, n_workers=3, beside=lambda: draw.random() < 0.7)
    found, _ = shared(pool, range(120))
    found = dict(found)
    assert set(found) == set(range(120))
    assert {task for task, given in found.items() if isinstance(given, LostTask)} == bad
    assert all(found[task] == task**2 for task in set(range(120)) - bad)
    assert max(tried.values()) <= 3 * (DEATHS + 1)
    assert "died" in found[min(bad)].sentence


class NoRoom:
    lacks_room = True


def test_what_lacks_room_is_tried_at_the_end_with_nothing_beside_it(pool_of):
    tried = collections.Counter()

    def computed(batch):
        tried.update(batch)
        many = pool._open > 1
        return Computed([NoRoom() if task == 7 or (task == 3 and many) else task for task in batch])

    pool = pool_of(computed)
    found, _ = shared(pool, range(12))
    found = dict(found)
    assert found[3] == 3
    assert isinstance(found.pop(7), NoRoom)
    assert found == {n: n for n in range(12) if n != 7}
    assert (tried[3], tried[7], tried[0]) == (2, 2, 1)


def test_how_many_compute_is_told_as_it_changes(pool_of):
    told = []
    pool = pool_of(lambda batch: squares(batch, 10.0))
    sharing = SharedOut(pool, print, watch=told.append)
    assert len(list(sharing.outcomes(range(5)))) == 5
    assert told[:2] == [0, 2]  # workers, though there are more batches
    assert (max(told), told[-1]) == (2, 0)
    assert all(one != next_ for one, next_ in itertools.pairwise(told))


class InThrees:
    """Tasks of which the next three are known when those before them are."""

    def __init__(self, number):
        self.left, self.open = list(range(number)), set()

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left or (self.open and self.left[0] % 3 == 0):
            raise StopIteration
        self.open.add(task := self.left.pop(0))
        return task


def test_tasks_that_hang_on_doubtful_ones_are_computed_when_these_are_known(pool_of):
    def computed(batch):
        if 4 in batch:
            raise KeyError
        lacking = 1 in batch and pool._open > 1
        return Computed([NoRoom() if lacking and task == 1 else task for task in batch])

    pool, tasks, found = pool_of(computed), InThrees(9), {}
    for task, given in SharedOut(pool, print).outcomes(tasks):
        tasks.open.discard(task)
        found[task] = given
    assert isinstance(found.pop(4), LostTask)
    assert found == {n: n for n in range(9) if n != 4}


def test_a_task_past_its_limit_ends_its_worker_and_the_rest_of_its_batch_goes_on(pool_of):
    def computed(batch):
        place = batch.index(40) if 40 in batch else len(batch)
        return Computed(batch[:place], 0.0, place < len(batch), "tcp://here")

    pool = pool_of(computed)
    found, _ = shared(pool, range(100))
    found = dict(found)
    past = found.pop(40)
    assert isinstance(past, PastLimit)
    assert past.sentence == "it took longer than its limit of 2 min"
    assert found == {n: n for n in range(100) if n != 40}
    assert pool.ended == ["tcp://here"]


def test_a_worker_of_other_code_that_joins_late_ends_all_in_a_sentence(pool_of):
    pool = pool_of(lambda batch: Computed(worker="tcp://there:1", differs={"numpy": "1.0"}))
    pool.job = Job(None, expected={"numpy": "2.0"})
    with pytest.raises(SpikelearnError, match=r"tcp://there:1 .*numpy: 2\.0 here, 1\.0 there"):
        shared(pool, range(3))


def test_a_worker_that_cannot_read_what_it_is_sent_is_told_with_its_python(pool_of):
    pool = pool_of(lambda batch: ("node7", "/usr/bin/python", "ModuleNotFoundError: no spikelearn"))
    with pytest.raises(SpikelearnError, match=r"node7 .*/usr/bin/python \(ModuleNotFoundError"):
        shared(pool, range(3))


def test_what_the_work_raises_ends_all(pool_of):
    def computed(batch):
        raise ZeroDivisionError("of our own")

    with pytest.raises(ZeroDivisionError, match="of our own"):
        shared(pool_of(computed), range(3))


@pytest.mark.parametrize("error", [ConnectionError("cut"), CancelledError()])
def test_a_scheduler_that_goes_away_is_told_in_a_sentence(pool_of, error):
    def computed(batch):
        raise error

    with pytest.raises(SpikelearnError, match="the scheduler has gone away; what is complete"):
        shared(pool_of(computed), range(3))


def test_a_scheduler_that_hangs_is_told_in_a_sentence(pool_of, monkeypatch):
    monkeypatch.setattr(_sharing_out, "SILENT_S", 0.05)
    pool = pool_of(squares)
    never = asyncio.Event()

    async def identity(n_workers):
        await never.wait()

    pool.scheduler.identity = identity
    with pytest.raises(SpikelearnError, match=r"not answered for 0\.05 s; what is complete"):
        shared(pool, range(3))
    pool.scheduler = None  # as of a client that has closed itself
    with pytest.raises(SpikelearnError, match="has gone away"):
        shared(pool, range(3))


def test_that_nobody_computes_is_told_once_and_where_nobody_comes_ends(pool_of, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(_sharing_out, "time", types.SimpleNamespace(monotonic=lambda: clock[0]))
    pool, told, revived = pool_of(squares, n_workers=0), [], []
    waiting = SharedOut(pool, told.append, wait_s=180.0, revive=revived.append)
    for second in range(0, 170, 10):
        clock[0] = float(second)
        waiting._look()
    assert len(told) == 1
    assert "no worker now" in told[0]
    assert revived == [0] * 17
    pool.n_workers, clock[0] = 1, 175.0
    waiting._look()
    pool.n_workers, clock[0] = 0, 300.0
    waiting._look()
    clock[0] = 481.0
    with pytest.raises(SpikelearnError, match="no worker for 180 s"):
        waiting._look()
    patient = SharedOut(pool, told.append)
    for second in (500, 600, 99999):
        clock[0] = float(second)
        patient._look()
