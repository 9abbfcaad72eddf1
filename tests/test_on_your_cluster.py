"""The page on clusters: its files describe jobs, its script is made, its commands are there.

What needs a cluster is parsed; what needs none is run.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import spikelearn as sl
from spikelearn._clusters import job_script, read_queue
from spikelearn._files import write_yaml
from spikelearn.cli import app

PAGE = (Path(__file__).parents[1] / "docs" / "on_your_cluster.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
FILES = [text for kind, text in BLOCKS if kind == "yaml"]
SCRIPTS = [text for kind, text in BLOCKS if kind == "bash"]
WORDS = [
    line.strip().partition("spikelearn-env/bin/")[2] or line.strip()
    for line in PAGE.splitlines()
    if re.match(r"(    |~/spikelearn-env/bin/)?spikelearn [a-z]", line)
]

if importlib.util.find_spec("dask_jobqueue") is None:
    pytest.skip("dask-jobqueue is not installed", allow_module_level=True)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with the files that the page writes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slurm.yaml").write_text(FILES[0])
    (gpu,) = [text for text in FILES if "GPU=1" in text]
    (tmp_path / "gpu.yaml").write_text(gpu)
    cell = {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 100}
    write_yaml(tmp_path / "sweep.yaml", {"simulate": cell, "seeds": [0, 1]})
    return tmp_path


@pytest.mark.parametrize("text", FILES)
def test_every_file_describes_jobs(here, text):
    (here / "jobs.yaml").write_text(text)
    queue = read_queue(here / "jobs.yaml")
    assert "distributed.cli.dask_worker" in job_script(queue)
    assert queue.notes == ()


def test_the_script_of_the_page_is_the_one_that_is_made(here):
    (shown,) = [text for text in SCRIPTS if "dask_worker" in text]
    made = job_script(read_queue(here / "slurm.yaml")).replace(sys.executable, "PYTHON")
    assert made.splitlines() == shown.splitlines()


@pytest.mark.parametrize("text", SCRIPTS)
def test_scripts_are_of_a_shell(text):
    done = subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("line", dict.fromkeys(WORDS))
def test_commands_are_those_that_there_are(here, line):
    _, *words = shlex.split(line)
    if words[:2] == ["cluster", "script"]:
        added = []
    elif words[:2] in (["sweep", "simulate"], ["sweep", "run"]) and "--scheduler" not in words:
        added = ["--plan"]
    else:  # data or a cluster are needed: options that there are not would still be refused
        added = ["--help"]
    done = CliRunner().invoke(app, [*words, *added])
    assert done.exit_code == 0, done.output


def test_the_page_has_every_kind_of_command():
    starts = {" ".join(line.split()[1:3]) for line in WORDS}
    assert {"cluster script", "sweep simulate", "sweep run", "sweep train", "study run"} <= starts


def test_a_sweep_finds_the_trainings_of_an_array(tmp_path):
    fields = {
        "model": "mlp_64",
        "rule": "backprop",
        "dataset": "digits",
        "epochs": 1,
        "n_train": 100,
    }
    trained = [sl.train(sl.TrainConfig(**fields, seed=seed), tmp_path).folder for seed in (0, 1)]
    before = [(folder / "weights.safetensors").stat().st_mtime_ns for folder in trained]
    write_yaml(tmp_path / "small.yaml", fields)
    result = sl.sweep(train=str(tmp_path / "small.yaml"), seeds=[0, 1], runs=tmp_path)
    assert result.table["folder"].tolist() == [folder.name for folder in trained]
    after = [(folder / "weights.safetensors").stat().st_mtime_ns for folder in trained]
    assert after == before
