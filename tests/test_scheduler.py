"""Schedulers elsewhere: those that do not answer, and workers of other code."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import types

import pytest

from spikelearn import SpikelearnError, _scheduler, _sharing_out
from spikelearn._scheduler import client_of, refuse_other_versions
from spikelearn._workers import Workers, outcomes


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(_scheduler, "ANSWER_S", 0.3)
    monkeypatch.setattr(_scheduler, "SAID_S", 0.1)


def opened(address, told):
    with client_of(address, told.append):
        raise AssertionError("there is none")


def test_an_address_where_nobody_is_waits_says_so_and_ends(impatient):
    told = []
    with pytest.raises(SpikelearnError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        opened("tcp://127.0.0.1:1", told)
    assert told == ["Waiting for the scheduler at tcp://127.0.0.1:1, 0.3 s at most"]


def test_something_that_only_listens_does_not_hang(impatient):
    with socket.socket() as deaf:  # as a scheduler that is stopped
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        with pytest.raises(SpikelearnError, match="no Dask scheduler answers"):
            opened(f"tcp://127.0.0.1:{deaf.getsockname()[1]}", [])


def test_something_that_speaks_otherwise_is_no_scheduler(impatient):
    with socket.socket() as web:
        web.bind(("127.0.0.1", 0))
        web.listen()

        def answer():
            other, _ = web.accept()
            other.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)
            other.close()

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(SpikelearnError, match="no Dask scheduler answers"):
            opened(f"tcp://127.0.0.1:{web.getsockname()[1]}", [])


@pytest.mark.parametrize("address", ["nonsense", "tcp://", "http://127.0.0.1:8786", "tcp://h:x"])
def test_what_is_no_address_is_told(impatient, address):
    with pytest.raises(SpikelearnError, match=f"'{address}' is no address of a scheduler"):
        opened(address, [])


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        ({"the toolkit's code": "b", "python": "3.11", "numpy": "2.0", "torch": "2.1"},
         r"\(the toolkit's code: a here, b there\); install the same versions"),
        ({"the toolkit's code": "a", "python": "3.12", "numpy": "2.0", "torch": "2.1"},
         r"\(python: 3\.11 here, 3\.12 there\)"),
        ({"the toolkit's code": "a", "python": "3.11", "numpy": "1.9", "torch": "2.2"},
         r"\(numpy: 2\.0 here, 1\.9 there; torch: 2\.1 here, 2\.2 there\)"),
        ({"the toolkit's code": "a", "python": "3.11", "torch": "2.1"},
         r"\(numpy: 2\.0 here, none there\)"),
        (ModuleNotFoundError("No module named 'spikelearn'"),
         "cannot say by which versions .*No module named 'spikelearn'.*install the toolkit there"),
    ],
)  # fmt: skip
def test_a_worker_of_other_code_is_named_with_what_differs(theirs, words):
    mine = {"the toolkit's code": "a", "python": "3.11", "numpy": "2.0", "torch": "2.1"}
    answers = {"tcp://one:1": mine, "tcp://two:2": theirs}
    client = types.SimpleNamespace(_run=None, sync=lambda *given, **named: answers)
    with pytest.raises(SpikelearnError, match=words) as error:
        refuse_other_versions(client, "tcp://s:1", lambda: mine)
    assert "tcp://two:2" in str(error.value)
    assert "\n" not in str(error.value)


def test_workers_that_are_gone_or_do_not_answer_are_left_to_the_first_batch():
    def late(*given, **named):
        raise TimeoutError

    answers = {"tcp://one:1": 1, "tcp://two:2": OSError("cut off")}
    client = types.SimpleNamespace(_run=None, sync=lambda *given, **named: answers)
    refuse_other_versions(client, "tcp://s:1", lambda: 1)
    client.sync = late
    refuse_other_versions(client, "tcp://s:1", lambda: 1)


def _square(task):
    return task**2


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers, processes of their own."""
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "robustness"))
    from clusters import Cluster

    made = Cluster(tmp_path)
    made.keep_running()
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_scheduler_that_dies_or_hangs_ends_the_work_in_a_sentence(cluster, number, monkeypatch):
    monkeypatch.setattr(_sharing_out, "SILENT_S", 3.0)
    monkeypatch.setattr(_scheduler, "ANSWER_S", 60.0)
    found = []

    def work():
        for one in outcomes(_square, range(10**6), Workers(scheduler=cluster.address)):
            found.append(one)
            if len(found) == 20:
                cluster.running["scheduler"].send_signal(number)

    with pytest.raises(SpikelearnError, match=r"the scheduler has .*what is complete is kept"):
        work()
    assert len(found) >= 20
    assert all(outcome == task**2 for task, outcome in found)
