"""Commands that a launcher starts several times: one process does the work, or speaks for all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from calling import call

from spikelearn._store import WEIGHTS, read_summary
from spikelearn.cli import _launched

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


@pytest.fixture
def by_mpi(monkeypatch):
    """Called with a rank: this process is one of two that mpirun has started."""

    def launch(rank: int, number: int = 2) -> None:
        monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", str(number))
        monkeypatch.setenv("OMPI_COMM_WORLD_RANK", str(rank))

    return launch


def test_what_ranks_cannot_share_is_refused(by_mpi, tmp_path):
    by_mpi(0)
    out = tmp_path / "spikes.npz"
    lif = ("simulate", "lif_neuron", "--duration", 5, "--out", out)
    for given, words in (
        (("rules",), "what they share is a simulation on NEST"),
        (TRAIN, "each would do the whole of this command"),
        (("sweep", "train", "mnist_mlp/backprop"), "2 processes were started together"),
        (lif, "this is --backend auto: start it by itself"),
        ((*lif, "--backend", "native"), "this is --backend native"),
    ):
        done = call(*given)
        assert done.exit_code == 1
        assert words in done.stderr
        assert done.stderr.count("Error:") == 1
    assert not out.exists()
    by_mpi(0, 1)
    assert call(*lif).exit_code == 0
    assert out.exists()


def test_the_first_rank_tells_and_writes_for_all(by_mpi, tmp_path, monkeypatch):
    from spikelearn.simulation import simulate

    def natively(network, shown, duration, step, backend, seed, **options):
        return simulate(network, shown, duration, step, "native", seed)

    monkeypatch.setattr("spikelearn.simulation.simulate", natively)
    written = {}
    for rank in (0, 1):
        by_mpi(rank)
        out = tmp_path / f"{rank}.npz"
        done = call("simulate", "lif_neuron", "--duration", 5, "--backend", "nest", "--out", out)
        assert done.exit_code == 0
        written[rank] = out.exists()
    assert written == {0: True, 1: False}


class Ended(BaseException):
    """In place of the end of this process."""


def test_a_rank_that_fails_ends_all_with_one_sentence(by_mpi, monkeypatch, capsys):
    waited = []

    def end(status):
        raise Ended(status)

    monkeypatch.setattr(_launched.os, "_exit", end)
    monkeypatch.setattr(_launched.time, "sleep", waited.append)

    def fail(status: int) -> None:
        with _launched.one_of_the_ranks():
            print("all is well")
            if status:
                print("Error: it is not", file=sys.stderr)
            raise SystemExit(status)

    for rank, output, errors in (
        (0, "all is well\n", "Error: it is not\n"),
        (1, "", "On rank 1: Error: it is not\n"),
    ):
        by_mpi(rank)
        with pytest.raises(Ended, match="3"):
            fail(3)
        assert capsys.readouterr() == (output, errors)
        assert len(waited) == rank  # to be ended by the launcher, as where the first one failed
        with pytest.raises(SystemExit):
            fail(0)
        assert capsys.readouterr() == (output, "")
        with pytest.raises(Ended, match="1"), _launched.one_of_the_ranks():
            raise RuntimeError("a mistake of ours")
        assert "RuntimeError: a mistake of ours" in capsys.readouterr().err
    by_mpi(0, 1)
    with pytest.raises(SystemExit):
        fail(3)


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
