"""Who computes, as a user chooses it: how many, where, and what does not go together."""

from __future__ import annotations

import importlib.util

import pytest

from spikelearn import SpikelearnError
from spikelearn._chosen_workers import Workers
from spikelearn._threads import cores


@pytest.fixture
def file(tmp_path):
    """A file of jobs of two workers each."""
    if importlib.util.find_spec("dask_jobqueue") is None:
        pytest.skip("dask-jobqueue is not installed")
    path = tmp_path / "slurm.yaml"
    path.write_text("jobqueue: {slurm: {cores: 2, memory: 4 GB}}")
    return str(path)


def test_one_is_this_process_and_several_are_processes_of_this_machine():
    assert Workers().alone
    assert Workers("1").alone
    assert str(Workers()) == "this process"
    assert not Workers("3").alone
    assert str(Workers(3)) == "3 processes"
    assert not Workers(3).elsewhere
    assert Workers(100_000).at_once == cores()


def test_jobs_of_a_cluster_are_counted_with_their_workers(file):
    one, some = Workers(cluster=file), Workers("2:40", cluster=file)
    assert (one.alone, one.elsewhere, one.bounds, one.at_once) == (False, True, (1, 1), 2)
    assert (some.bounds, some.at_once) == ((2, 40), 80)
    assert str(one) == f"1 job of {file}"
    assert str(some) == f"2 to 40 jobs of {file}"
    assert Workers("2:40", cluster=file, threads=2).at_once == 40


def test_workers_of_a_scheduler_cannot_be_counted_before():
    there = Workers(scheduler="tcp://10.0.0.1:8786")
    assert (there.alone, there.elsewhere, there.at_once) == (False, True, 0)
    assert str(there) == "the workers of tcp://10.0.0.1:8786"


@pytest.mark.parametrize(
    "number", ["", "0", "two", "-1", "1.5", "2:", "40:2", "1:2:3", 0, 1.0, ":"]
)
def test_numbers_that_are_none_are_refused(number):
    with pytest.raises(SpikelearnError, match="the number of workers must be a whole number above"):
        Workers(number)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"number": "2:40"}, "are jobs of a cluster; give its file"),
        ({"scheduler": "tcp://a:1", "cluster": "FILE"}, "give no cluster with it"),
        ({"scheduler": "tcp://a:1", "number": 2}, "give one"),
        ({"cluster": "none.yaml"}, "there is no file none.yaml"),
        ({"cluster": "FILE", "threads": 4}, "does not hold 1 worker of 4 threads"),
    ],
)
def test_what_does_not_go_together_is_refused(file, given, words):
    fields = {name: file if value == "FILE" else value for name, value in given.items()}
    with pytest.raises(SpikelearnError, match=words):
        Workers(**fields)
