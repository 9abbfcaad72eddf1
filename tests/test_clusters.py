"""Jobs of a cluster: their script, what is refused, and a sweep by a queue that is played."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from distributed.core import Status
from distributed.deploy.spec import SpecCluster

import spikelearn as sl
from spikelearn import SpikelearnError, _clusters
from spikelearn._clusters import cores_at_rest, job_script, read_queue
from spikelearn._workers import Workers, outcomes
from spikelearn.sweeps.table import VARYING

# Importing it takes Ctrl-C, which the toolkit takes back.
if importlib.util.find_spec("dask_jobqueue") is None:
    pytest.skip("dask-jobqueue is not installed", allow_module_level=True)


@pytest.fixture
def file(tmp_path):
    """Writes a file of a queue, of 4 cores unless it says another number."""

    def write(text, kind="slurm"):
        path = tmp_path / f"{kind}.yaml"
        path.write_text(f"jobqueue:\n  {kind}: {{cores: 4, memory: 8 GB, {text}}}\n")
        return path

    return write


SCRIPTS = {
    "slurm": (
        "queue: short, walltime: '01:30:00', account: lab, job-extra-directives: ['--gres=gpu:1'],"
        " job_script_prologue: [module load python]",
        ["#SBATCH -p short", "#SBATCH -A lab", "#SBATCH -n 1", "#SBATCH --cpus-per-task=4",
         "#SBATCH --mem=8G", "#SBATCH -t 01:30:00", "#SBATCH --gres=gpu:1", "module load python"],
    ),
    "pbs": (
        "queue: short, walltime: '01:30:00'",
        ["#PBS -q short", "#PBS -l select=1:ncpus=4:mem=7630MB", "#PBS -l walltime=01:30:00"],
    ),
    "lsf": (
        "queue: short, walltime: '01:30', lsf-units: MB",
        ["#BSUB -q short", "#BSUB -n 4", '#BSUB -R "span[hosts=1]"', "#BSUB -M 8000",
         "#BSUB -W 01:30"],
    ),
    "sge": ("walltime: '01:30:00'", ["#$ -l h_rt=01:30:00"]),
    "oar": (
        "walltime: '01:30:00', memory-per-core-property-name: memcore",
        ["#OAR -l /nodes=1/core=4,walltime=01:30:00", "#OAR -p memcore>=1908"],
    ),
    "htcondor": ("disk: 1 GB", ["MY.DaskWorkerCores = 4", "MY.DaskWorkerMemory = 8000000000"]),
    "moab": ("walltime: '01:30:00'", ["#PBS -l walltime=01:30:00"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", SCRIPTS)
@pytest.mark.parametrize("threads", [1, 2])
def test_the_script_of_a_job_asks_the_queue_and_starts_workers_of_one_task_each(
    file, kind, threads
):
    settings, wanted = SCRIPTS[kind]
    queue = read_queue(file(settings, kind), threads)
    assert queue.notes == ()
    lines = job_script(queue).splitlines()
    for line in wanted:
        assert line in lines, job_script(queue)
    (worker,) = [line for line in lines if "dask_worker" in line]
    # A worker takes one task at a time, on however many threads it computes.
    assert f"{sys.executable} -m distributed.cli.dask_worker tcp://SCHEDULER:PORT" in worker
    assert " --nthreads 1 " in worker
    assert f" --nworkers {4 // threads} " in worker
    assert f" --memory-limit {'1.86' if threads == 1 else '3.73'}GiB" in worker


def test_processes_of_the_file_are_kept_and_cores_at_rest_are_counted(file):
    queue = read_queue(file("processes: 1"), 3)
    assert (queue.processes, cores_at_rest(queue)) == (1, 1)
    assert "--nworkers" not in job_script(queue)


@pytest.mark.parametrize(
    ("words", "gpus"),
    [
        ("[--resources, GPU=1]", 1), ("['--resources=GPU=2']", 2), ("['--resources GPU=1']", 1),
        ("[--resources, 'MEM=3,GPU=1']", 1), ("[--resources, MEM=3]", 0), ("[]", 0),
        ("[--lifetime, 55m]", 0),
    ],
)  # fmt: skip
def test_gpus_are_those_that_workers_are_told_to_have(file, words, gpus):
    assert read_queue(file(f"worker-extra-args: {words}")).gpus == gpus


def test_what_dask_jobqueue_says_of_a_file_is_kept(file):
    (note,) = read_queue(file("walltime: '00:10:00'", "oar")).notes
    assert "memory" in note


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jobqueue: {slurm: {cores: 4}}", "field 'jobqueue.slurm.memory' is needed"),
        ("jobqueue: {slurm: {memory: 8 GB}}", "'jobqueue.slurm.cores': a whole number above 0"),
        ("jobqueue: {slurm: {cores: many, memory: 8 GB}}", "found 'many'"),
        ("jobqueue: {slurm: {cores: 0, memory: 8 GB}}", "found 0"),
        ("jobqueue: {slurm: {cores: 4, memory: much}}", "dask-jobqueue makes no job of it"),
        ("jobqueue: {slurm: {cores: 4, memory: 8 GB, processes: 8}}", "give cores: 8"),
        ("jobqueue: {slurm: {cores: 4, memory: 8 GB, wall-time: 1}}", "did you mean walltime"),
        ("jobqueue: {slurm: {cores: 4, job_cpu: 1, job-cpu: 2, memory: 8 GB}}", "stands twice"),
        # Each letter of a text would be an option of its own.
        ("jobqueue: {slurm: {cores: 4, memory: 8 GB, job-extra-directives: '--exclusive'}}",
         "a list is needed"),
        ("jobqueue: {slurm: {cores: 4, memory: 8 GB, job-script-prologue: module load x}}",
         "a list is needed"),
        ("jobqueue: {slurm: {cores: 4, memory: 8 GB, queue: [a, b]}}", "one value is needed"),
        ("jobqueue: {slurm: {cores: 4, memory: 8 GB, scheduler-options: x}}", "a mapping"),
        ("jobqueue: {slurn: {cores: 4, memory: 8 GB}}", "did you mean slurm"),
        ("jobqueue: {slurm: {cores: 4}, pbs: {cores: 4}}", "2 queues, slurm and pbs"),
        ("jobqueue: {}", "says nothing of a queue"),
        ("jobqueue: {slurm: }", "says nothing of the jobs of slurm"),
        ("slurm: {cores: 4}", "says nothing of a queue"),
        ("jobqueue: {slurm: {cores: 4}}\ndistributed: {}", "'distributed' is no part of it"),
        ("[1, 2]", "says nothing of a queue"),
        ("jobqueue: {slurm: {cores: 4, cores: 5}}", "stands twice"),
        ("jobqueue: !!python/object/apply:os.system [true]", "could not determine"),
    ],
)  # fmt: skip
def test_files_that_describe_no_jobs_are_refused_in_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(SpikelearnError) as raised:
        read_queue(path)
    assert sentence in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_threads_that_a_job_does_not_hold_and_files_that_are_not_there(file, tmp_path):
    with pytest.raises(SpikelearnError, match="does not hold 1 worker of 5 threads"):
        read_queue(file(""), 5)
    with pytest.raises(SpikelearnError, match="there is no file"):
        read_queue(tmp_path / "none.yaml")


def test_ctrl_c_stays_what_it_was(file):
    code = """
        import signal, sys
        from spikelearn._clusters import read_queue
        before = signal.getsignal(signal.SIGINT)
        read_queue(sys.argv[1])
        assert signal.getsignal(signal.SIGINT) is before
    """
    words = [sys.executable, "-c", textwrap.dedent(code), file("")]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_without_dask_jobqueue_it_is_said_how_to_install_it(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    with pytest.raises(SpikelearnError, match=r"pip install 'spikelearn-toolkit\[cluster\]'"):
        read_queue(file(""))


# The queue that is played: jobs are processes, and their numbers those of the processes.
SBATCH = """#!/usr/bin/env bash
here=$(dirname "$0")
if [ -e "$here/full" ]; then echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1; fi
cp "$1" "$here/job-$$.sh"
setsid bash "$here/job-$$.sh" >"$here/job-$$.out" 2>&1 &
echo "sbatch $!" >>"$here/calls"
echo "Submitted batch job $!"
"""
SCANCEL = """#!/usr/bin/env bash
echo "scancel $1" >>"$(dirname "$0")/calls"
kill -TERM -- "-$1"
"""


@pytest.fixture
def queue_of_processes(tmp_path, monkeypatch):
    """A folder with commands of a queue, which are found before others."""
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    # Of the toolkit, and of the functions of this file.
    places = [Path(_clusters.__file__).parents[1], Path(__file__).parent]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, places)))
    return commands


def calls(commands, name):
    """Numbers of the jobs that a command was given or gave."""
    said = [line.split() for line in (commands / "calls").read_text().splitlines()]
    return [number for command, number in said if command == name]


JOBS = "cores: 2, memory: 4 GB, processes: 1, scheduler-options: {host: 127.0.0.1}"


def jobs_file(folder, text=JOBS):
    """A file of jobs that this machine holds."""
    path = folder / "jobs.yaml"
    path.write_text(f"jobqueue:\n  slurm: {{{text}}}\n")
    return str(path)


def test_where_there_is_no_queue_it_is_told_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpikelearnError, match="there is no command `sbatch` here"):
        next(outcomes(abs, [1], Workers(cluster=jobs_file(tmp_path))))


def test_a_queue_that_takes_no_job_says_why(tmp_path, queue_of_processes):
    (queue_of_processes / "full").touch()
    with pytest.raises(SpikelearnError, match="`sbatch` took no job: sbatch: error: QOSMaxSubmit"):
        next(outcomes(abs, [1], Workers(cluster=jobs_file(tmp_path))))
    assert {cluster.status for cluster in SpecCluster._instances} <= {Status.closed}


@pytest.mark.slow
def test_a_sweep_by_jobs_has_the_table_of_one_process_and_takes_its_jobs_back(
    tmp_path, queue_of_processes
):
    fields = {
        "simulate": {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 100},
        "vary": {"populations.neuron.tau_m_ms": "10:20:3"}, "seeds": [0, 1],
        "measures": ["rate_hz", "n_spikes"],
    }  # fmt: skip
    told: list[str] = []
    text = JOBS.replace("processes: 1", "processes: 2")
    there = sl.sweep(fields, tmp_path / "runs", cluster=jobs_file(tmp_path, text), tell=told.append)
    (job,) = calls(queue_of_processes, "sbatch")
    assert calls(queue_of_processes, "scancel") == [job]
    assert "6 to compute on 1 job of" in told[0]
    assert f"1 job in the queue of slurm ({job}), of 2 workers" in told[1]
    assert there.n_computed == 6
    pd.testing.assert_frame_equal(
        *(r.table.drop(columns=list(VARYING)) for r in (there, sl.sweep(fields)))
    )
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.wait_procs([psutil.Process(int(job))], timeout=60)
        assert psutil.Process(int(job)).status() == psutil.STATUS_ZOMBIE


def _end_job_once(task):
    """The first time that task 2 comes, the job ends, as at the end of its walltime."""
    number, flag = task
    if number == 2 and not Path(flag).exists():
        Path(flag).touch()
        os.killpg(0, signal.SIGKILL)
    return number


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_job_that_ends_while_there_is_work_is_followed_by_another(
    tmp_path, queue_of_processes, monkeypatch, processes
):
    monkeypatch.setattr(_clusters, "LOST_S", 0.5)
    tasks = [(number, str(tmp_path / "flag")) for number in range(6)]
    text = JOBS.replace("processes: 1", f"processes: {processes}")
    workers = Workers(1, cluster=jobs_file(tmp_path, text))
    found = list(outcomes(_end_job_once, tasks, workers))
    assert sorted(found) == [(task, task[0]) for task in tasks]
    assert len(calls(queue_of_processes, "sbatch")) == 2


def _busy(task):
    """Waits until two workers are here, each of which has a task."""
    folder = Path(task)
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.05)
    return os.getpid()


@pytest.mark.slow
def test_there_are_more_jobs_as_there_is_work(tmp_path, queue_of_processes):
    (tmp_path / "here").mkdir()
    workers = Workers("1:2", cluster=jobs_file(tmp_path))
    found = {pid for _, pid in outcomes(_busy, [str(tmp_path / "here")] * 6, workers)}
    assert len(found) == 2
    assert len(calls(queue_of_processes, "sbatch")) == 2


def _gpu(task):
    return task


@pytest.mark.slow
def test_what_needs_a_gpu_waits_for_a_worker_that_has_one(tmp_path, queue_of_processes):
    def is_odd(task):
        return task % 2 == 1

    without = Workers(cluster=jobs_file(tmp_path))
    with pytest.raises(SpikelearnError, match=r"worker-extra-args: \[--resources, GPU=1\]"):
        list(outcomes(_gpu, range(4), without, uses_gpu=is_odd))
    text = f"{JOBS}, worker-extra-args: [--resources, GPU=1]"
    workers = Workers(cluster=jobs_file(tmp_path, text))
    found = outcomes(_gpu, range(4), workers, uses_gpu=is_odd)
    assert sorted(found) == [(n, n) for n in range(4)]


def _version():
    return {"code": os.environ["PYTHONPATH"]}


@pytest.mark.slow
def test_a_job_of_other_code_is_refused_when_it_joins(tmp_path, queue_of_processes):
    text = f"{JOBS}, job-script-prologue: ['export PYTHONPATH=']"
    with pytest.raises(SpikelearnError, match=r"a worker on .* has not what runs take in its Pyth"):
        list(outcomes(_gpu, [1], Workers(cluster=jobs_file(tmp_path, text)), _version))
    text = f"{JOBS}, job-script-prologue: ['export PYTHONPATH=$PYTHONPATH:/elsewhere']"
    with pytest.raises(SpikelearnError, match=r"computes by other code .*code: .*elsewhere there"):
        list(outcomes(_gpu, [1], Workers(cluster=jobs_file(tmp_path, text)), _version))
