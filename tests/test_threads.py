"""How many threads: all cores, or as many as are told, and as before when the block ends."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn._cores import cores
from spikelearn._threads import NoThreadError, ThreadPool, as_many, at_most, n_threads, start
from spikelearn._work_in_folder import Failed, tried


def test_a_limit_holds_within_its_block_and_within_the_innermost():
    assert n_threads() == cores() >= 1
    with at_most(3):
        assert n_threads() == 3
        with at_most(1):
            assert n_threads() == 1
        assert n_threads() == 3
    assert n_threads() == cores()


def test_the_limit_ends_with_an_error_too():
    with pytest.raises(KeyError), at_most(2):
        raise KeyError
    assert n_threads() == cores()


def test_as_many_as_a_user_says_or_as_before():
    with as_many(None):
        assert n_threads() == cores()
    with as_many(2):
        assert n_threads() == 2
    with as_many(np.int64(2)):  # type: ignore[arg-type] # as loops over arrays give it
        assert n_threads() == 2
    with as_many(10**20):  # of which libraries take what they can hold
        assert n_threads() >= cores()
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(SpikelearnError, match="threads must be a whole number above 0, found"):
            as_many(wrong)


@pytest.fixture
def refused(monkeypatch):
    """The system starts no further thread, as where `ulimit -u` is reached."""

    def no_start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_start)


@pytest.mark.usefixtures("refused")
def test_a_thread_that_does_not_start_is_told_in_a_sentence():
    with pytest.raises(NoThreadError, match=r"no further thread.*ulimit -u"), ThreadPool(1) as pool:
        pool.submit(int)
    with pytest.raises(NoThreadError):
        start(threading.Thread(target=int))
    with pytest.raises(NoThreadError):
        sl.simulate("lif_neuron", "step_current", duration_ms=1)
    # To a library, in a task that is shared out: that lies in the machine, and passes.
    failed = tried(lambda: threading.Thread(target=int).start())
    assert failed == Failed(str(NoThreadError()), passing=True, lacks_room=True)


def test_other_errors_of_what_starts_or_runs_stay_as_they_are():
    def fails():
        raise RuntimeError("of its own")

    with ThreadPool(1) as pool, pytest.raises(RuntimeError, match="of its own"):
        pool.submit(fails).result()
    with pytest.raises(RuntimeError, match="cannot schedule"):
        pool.submit(int)
    assert isinstance(tried(fails), Failed)
    assert not tried(fails).passing
