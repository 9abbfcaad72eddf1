"""`cluster script`, and the options of commands whose runs are shared out."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from calling import call

from spikelearn import SpikelearnError
from spikelearn.cli._worker_options import ONE, chosen_workers

CELL = ("sweep", "simulate", "lif_neuron", "--stimulus", "step_current", "--duration", 100)


@pytest.fixture(autouse=True)
def slurm(tmp_path, monkeypatch):
    """A working folder with a file of jobs."""
    if importlib.util.find_spec("dask_jobqueue") is None:
        pytest.skip("dask-jobqueue is not installed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slurm.yaml").write_text(
        "jobqueue: {slurm: {cores: 8, memory: 16 GB, walltime: '01:00:00'}}"
    )


def test_the_script_of_a_job_is_printed_and_its_environment_is_told():
    done = call("cluster", "script", "slurm.yaml", "--threads-per-worker", 3)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("#!")
    assert {"#SBATCH --cpus-per-task=8", "#SBATCH -t 01:00:00"} <= set(lines)
    assert "--nthreads 1 --memory-limit 7.45GiB --nworkers 2" in lines[-1]
    assert "A job holds 2 workers, each of 3 threads." in done.stderr
    assert "2 of its 8 cores have nothing to do." in done.stderr
    assert f"Its Python, {sys.executable}, and the toolkit in" in done.stderr


def test_a_file_that_describes_no_jobs_is_one_sentence(tmp_path):
    (tmp_path / "bad.yaml").write_text("jobqueue: {slurm: {cores: 8}}")
    for words in (("cluster", "script", "bad.yaml"), (*CELL, "--cluster", "bad.yaml")):
        done = call(*words)
        assert done.exit_code == 1
        assert done.output.splitlines() == [
            "Error: bad.yaml: field 'jobqueue.slurm.memory' is needed: memory of a job, as in"
            " memory: 8 GB"
        ]
    assert not (tmp_path / "runs").exists()


def test_a_plan_counts_jobs_and_submits_none():
    done = call(*CELL, "--seeds", 4, "--cluster", "slurm.yaml", "--workers", "2:4", "--plan")
    assert done.exit_code == 0, done.output
    assert "4 to compute on 2 to 4 jobs of slurm.yaml" in done.stdout


def test_options_say_who_computes(tmp_path):
    assert chosen_workers(ONE, "", None, 1).alone
    assert chosen_workers("3", "", None, 2).threads == 2
    assert chosen_workers("2:3", "", tmp_path / "slurm.yaml", 1).bounds == (2, 3)
    with pytest.raises(SpikelearnError, match="whole number above 0"):
        chosen_workers("many", "", None, 1)
