"""Commands that torchrun starts several times: one process does the work, as by --ranks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from calling import call

from spikelearn._store import WEIGHTS, read_summary

TRAIN = ("train", "mlp_64", "--rule", "backprop", "--dataset", "digits", "--images", 60)


@pytest.fixture
def launched(monkeypatch):
    """Called with rank and numbers: this process is one of those that torchrun has started."""

    def launch(rank: int, number: int = 2, here: int = 2) -> None:
        for name, value in (("TORCHELASTIC_RUN_ID", "none"), ("RANK", rank),
                            ("WORLD_SIZE", number), ("LOCAL_WORLD_SIZE", here)):  # fmt: skip
            monkeypatch.setenv(name, str(value))

    return launch


@pytest.fixture
def trained(monkeypatch):
    """The options of trainings, none of which is made."""
    found = []
    monkeypatch.setattr(
        "spikelearn.cli.learning._train_and_print",
        lambda configs, out, workers, again, options: found.append(options["ranks"]),
    )
    return found


def test_the_first_process_shares_its_training_and_the_others_end(launched, trained):
    launched(0)
    assert call(*TRAIN).exit_code == 0
    assert call(*TRAIN, "--ranks", 2).exit_code == 0
    launched(1)
    other = call(*TRAIN)
    assert (other.exit_code, other.output) == (0, "")
    launched(0, 1, 1)  # one process, which is none too many
    assert call(*TRAIN).exit_code == 0
    assert trained == [2, 2, 1]


def test_what_cannot_be_shared_is_refused_by_one_of_them(launched, trained):
    launched(0)
    for given, words in (
        ((*TRAIN, "--ranks", 3), "torchrun has started 2 processes, and --ranks asks for 3"),
        ((*TRAIN, "--workers", 2), "give one of the two"),
        (("rules",), "torchrun has started this command 2 times"),
        (("sweep", "train", "mnist_mlp/backprop"), "torchrun has started this command 2 times"),
    ):
        done = call(*given)
        assert done.exit_code == 1
        assert words in done.stderr
    launched(0, 4, 2)
    assert "4 processes on several machines" in call(*TRAIN).stderr
    launched(1)
    assert (call("rules").exit_code, call("rules").output) == (0, "")
    assert trained == []


@pytest.mark.slow
def test_torchrun_gives_the_run_that_ranks_give(tmp_path: Path) -> None:
    words = [str(word) for word in (*TRAIN, "--epochs", 2)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for start, out in ((run, "many"), ([sys.executable], "ranks")):
        ranks = ["--ranks", "2"] if out == "ranks" else []
        done = subprocess.run(
            [*start, "-m", "spikelearn", *words, *ranks, "--out", str(tmp_path / out)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("Run: ") == 1
    (one,), (other,) = (list((tmp_path / out).iterdir()) for out in ("many", "ranks"))
    assert one.name == other.name
    assert read_summary(one) == read_summary(other)
    assert (one / WEIGHTS).read_bytes() == (other / WEIGHTS).read_bytes()
