"""Tasks shared out: every one has its outcome, whoever computes it and whoever dies of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import threadpoolctl
from started_commands import local_workers, nobody_is_left

from spikelearn import SpikelearnError, _scheduler, _workers
from spikelearn._imported_ahead import import_ahead, start_method
from spikelearn._threads import n_threads
from spikelearn._workers import LostTask, PastLimit, Workers, outcomes


def _square(task):
    return task**2


def _threads(task):
    return n_threads(), {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}


def test_alone_tasks_are_computed_one_after_another_as_they_are_asked_for():
    asked = []

    def tasks():
        for n in range(5):
            asked.append(n)
            yield n

    found = outcomes(_square, tasks(), Workers())
    assert next(found) == (0, 0)
    assert asked == [0]
    assert list(found) == [(n, n**2) for n in range(1, 5)]


def test_alone_nothing_of_dask_is_imported():
    code = """
        import sys
        from spikelearn._workers import Workers, outcomes
        assert list(outcomes(abs, [-1], Workers())) == [(-1, 1)]
        assert not {"dask", "distributed"} & set(sys.modules)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_a_worker_computes_on_as_many_threads_as_it_is_told():
    import numpy as np

    assert np.ones(3) @ np.ones(3) == 3  # BLAS is there to be asked
    ((_, (ours, of_blas)),) = outcomes(_threads, [0], Workers(threads=1))
    assert (ours, of_blas) == (1, {1})
    before = n_threads()
    ((_, (ours, _)),) = outcomes(_threads, [0], Workers(threads=before + 1))
    assert ours == before + 1
    assert n_threads() == before


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"number": 0}, "number of workers"),
        ({"number": True}, "number of workers"),
        ({"threads": 0}, "threads of a worker"),
        ({"limit_minutes": 0}, "limit must be minutes above 0"),
        ({"limit_minutes": float("nan")}, "limit must be minutes above 0"),
        ({"number": 2, "scheduler": "tcp://127.0.0.1:1"}, "give one"),
    ],
)
def test_workers_that_cannot_be_are_refused(given, words):
    with pytest.raises(SpikelearnError, match=words):
        Workers(**given)


def test_a_scheduler_that_does_not_answer_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr(_scheduler, "ANSWER_S", 0.3)
    with pytest.raises(SpikelearnError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        list(outcomes(_square, [1], Workers(scheduler="tcp://127.0.0.1:1")))
    with pytest.raises(SpikelearnError, match="'nonsense' is no address"):
        list(outcomes(_square, [1], Workers(scheduler="nonsense")))


def _die_once(task):
    """Kill the worker the first time that task 3 comes."""
    number, flag = task
    if number == 3 and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    started_by = Path(f"/proc/{os.getppid()}/cmdline")
    named = started_by.read_text() if started_by.exists() else ""
    given = [os.environ.get(name) for name in ("MALLOC_TRIM_THRESHOLD_", "LATER", "PYTHONSAFEPATH")]
    return number, os.getpid(), "forkserver" in named, tuple(given)


def test_what_a_killed_worker_had_is_computed_by_another(tmp_path, monkeypatch):
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    import_ahead()
    monkeypatch.setenv("LATER", "than the process that workers are copies of")
    tasks = [(n, str(tmp_path / "flag")) for n in range(12)]
    found = list(outcomes(_die_once, tasks, Workers(2)))
    assert (tmp_path / "flag").exists()
    assert sorted(task for task, _ in found) == tasks
    assert all(outcome[0] == task[0] for task, outcome in found)
    pids = {pid for _, (_, pid, *_) in found}
    # Nor do workers, or this process from now on, give freed memory back at once.
    here = ("MALLOC_TRIM_THRESHOLD_", "LATER", "PYTHONSAFEPATH")
    assert {given for *_, (*_, given) in found} == {tuple(map(os.environ.get, here))}
    # Also the one that took the place of the killed one is a copy.
    assert {copied for *_, (_, _, copied, _) in found} == {start_method() == "forkserver"}
    assert "MALLOC_TRIM_THRESHOLD_" not in os.environ
    assert os.getpid() not in pids


def _die_always(task):
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


@pytest.mark.slow
def test_a_task_that_kills_every_worker_is_given_up_and_stops_no_other():
    found = dict(outcomes(_die_always, range(12), Workers(2)))
    assert isinstance(found.pop(3), LostTask)
    assert found == {n: n for n in range(12) if n != 3}


@pytest.mark.slow
def test_a_worker_that_takes_too_long_to_start_again_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(_workers, "STARTS_S", 0.05)
    tasks = [(n, str(tmp_path / "flag")) for n in range(6)]
    found = dict(outcomes(_die_once, tasks, Workers(1, limit_minutes=30)))
    assert (tmp_path / "flag").exists()
    assert sorted(found) == tasks


def _never_ends(task):
    while task == 3:
        pass
    if task == 5:
        time.sleep(1e6)
    return task


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2])
def test_a_task_past_its_limit_is_ended_with_its_process_and_stops_no_other(number):
    found = dict(outcomes(_never_ends, range(12), Workers(number, limit_minutes=0.05)))
    past = [found.pop(3), found.pop(5)]
    assert all(isinstance(one, PastLimit) for one in past)
    assert past[0].sentence == "it took longer than its limit of 0.05 min"
    assert found == {n: n for n in range(12) if n not in (3, 5)}


def test_a_worker_draws_other_numbers_than_what_it_is_a_copy_of():
    import numpy as np

    before = np.random.get_state()  # noqa: NPY002 - a user's own code may draw from it
    draws = []
    try:
        for _ in range(2):
            np.random.set_state(before)  # noqa: NPY002
            _workers._be_no_copy(os.environ)
            draws.append(np.random.rand())  # noqa: NPY002
    finally:
        np.random.set_state(before)  # noqa: NPY002
    assert draws[0] != draws[1]


def _raise(task):
    raise SpikelearnError("no such thing")


@pytest.mark.slow
def test_what_the_function_raises_ends_all_and_leaves_no_process():
    with pytest.raises(SpikelearnError, match="no such thing"):
        list(outcomes(_raise, range(5), Workers(2)))
    assert nobody_is_left(local_workers())


def _version():
    return {"code": os.environ.get("TESTED_VERSION", "here")}


@pytest.fixture
def scheduler(tmp_path):
    """A scheduler that runs elsewhere, with one worker that has another version."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, host="127.0.0.1",
        dashboard_address=None, env={"TESTED_VERSION": "there"},
    ) as cluster:  # fmt: skip
        yield cluster.scheduler_address


@pytest.mark.slow
def test_a_running_scheduler_computes_unless_versions_differ(scheduler):
    who = Workers(scheduler=scheduler)
    assert sorted(outcomes(_square, range(4), who)) == [(n, n**2) for n in range(4)]
    with pytest.raises(SpikelearnError, match="code: here here, there there"):
        list(outcomes(_square, range(4), who, _version))


def test_settings_of_local_workers_are_such_as_dask_has() -> None:
    """One by another name would change nothing, and nobody would be told."""
    import dask
    import distributed  # noqa: F401 - which enters its own settings

    nowhere = object()
    for name in _workers._of_local_workers():
        assert dask.config.get(name, nowhere) is not nowhere, name


def test_workers_are_held_between_uses_and_started_when_first_used(monkeypatch):
    counted = []

    @contextlib.contextmanager
    def started(workers, version, tell):
        counted.append("start")
        yield object()
        counted.append("end")

    monkeypatch.setattr(_workers, "_started", started)
    two = Workers(2)

    def use():
        with _workers._client(two, None, print) as client:
            return client

    with _workers.held(two):
        assert counted == []
        with _workers.held(two):
            first = use()
        assert use() is first
        assert counted == ["start"]
    assert counted == ["start", "end"]
    assert use() is not use()
    with pytest.raises(ZeroDivisionError), _workers.held(two):
        assert use() == 1 / 0
    assert not _workers._held
