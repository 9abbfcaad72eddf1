"""What a worker does with a batch: limits of time, one at a time, versions."""

from __future__ import annotations

import pickle
import threading
import time
import types

import pytest

from spikelearn import _batches
from spikelearn._batches import Computed, Job, compute, differing, reader
from spikelearn._threads import n_threads


@pytest.fixture
def worker(monkeypatch, tmp_path):
    """This process as if it were a worker's."""
    about = types.SimpleNamespace(address="tcp://here:1", local_directory=str(tmp_path))
    monkeypatch.setattr("distributed.get_worker", lambda: about)
    monkeypatch.setattr(_batches._Process, "spoiled", False)
    monkeypatch.setattr(_batches._Process, "folder", None)
    return about


def test_a_batch_gives_its_outcomes_in_order_on_as_many_threads_as_told(worker, tmp_path):
    def one(task):
        assert _batches.scratch() == tmp_path
        return task, n_threads()

    for limit in (None, 5.0):
        found = compute(Job(one, threads=3, limit_minutes=limit), [4, 5, 6])
        assert found.outcomes == [(4, 3), (5, 3), (6, 3)]
        assert (found.past_limit, found.worker, found.differs) == (False, "tcp://here:1", None)


@pytest.mark.parametrize("place", [0, 2])
def test_a_task_past_its_limit_ends_its_batch_there(worker, place):
    ended, before = threading.Event(), set(threading.enumerate())

    def one(task):
        if task == place:
            ended.wait(60)
        return task

    found = compute(Job(one, limit_minutes=0.2 / 60), [0, 1, 2, 3])
    ended.set()
    for thread in set(threading.enumerate()) - before:  # which sets how many threads there are
        thread.join()
    assert found.outcomes == list(range(place))
    assert found.past_limit
    assert _batches._Process.spoiled  # and so it computes nothing more


def test_every_task_has_the_limit_for_itself(worker):
    found = compute(Job(lambda task: time.sleep(0.2), limit_minutes=1.0 / 60), [0] * 8)
    assert len(found.outcomes) == 8
    assert found.seconds > 1.0


def test_what_a_task_raises_is_raised_within_a_limit_too(worker):
    def one(task):
        raise ZeroDivisionError("of our own")

    with pytest.raises(ZeroDivisionError, match="of our own"):
        compute(Job(one, limit_minutes=1.0), [0])


def test_two_threads_of_a_process_compute_one_after_the_other(worker):
    now, most = [0], [0]

    def one(task):
        now[0] += 1
        most[0] = max(most[0], now[0])
        time.sleep(0.01)
        now[0] -= 1

    threads = [threading.Thread(target=compute, args=(Job(one), [0] * 3)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_a_worker_of_other_code_computes_nothing(worker):
    job = Job(pytest.fail, version=lambda: {"numpy": "1.0"}, expected={"numpy": "2.0"})
    assert compute(job, [0]) == Computed(worker="tcp://here:1", differs={"numpy": "1.0"})

    def broken():
        raise ImportError("no numpy")

    job = Job(pytest.fail, version=broken, expected={"numpy": "2.0"})
    assert compute(job, [0]).differs == "ImportError: no numpy"


def test_what_cannot_be_read_is_said_and_not_raised():
    node, python, why = reader()(b"nothing of the kind")
    assert node
    assert "python" in python
    assert "UnpicklingError" in why
    assert reader()(pickle.dumps((abs, (-3,)))) == 3


def test_versions_differ_in_words():
    assert differing({"a": "1", "b": "2"}, {"a": "1", "b": "3"}) == "b: 2 here, 3 there"
    assert differing({"a": "1"}, {}) == "a: 1 here, none there"
    assert differing({"a": "1"}, "ImportError: no a") == "ImportError: no a"
    assert differing("one", "two") == "one here, two there"
