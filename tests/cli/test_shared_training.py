"""`train` on several threads or in several processes, as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import call

from spikelearn.training import rank_processes

TRAIN = ("train", "mlp_64", "--rule", "backprop", "--dataset", "digits", "--images", 60,
         "--epochs", 1)  # fmt: skip


def test_what_a_run_was_computed_on_is_told_now_and_when_it_is_read(tmp_path: Path) -> None:
    done = call(*TRAIN, "--threads", 2, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "Trained now, on 2 threads" in done.output
    again = call(*TRAIN, "--out", tmp_path)
    told = " ".join(again.output.split())
    assert "Read from" in told
    assert ", on 2 threads" in told


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("--ranks", 2, "--workers", 2), "workers train one each; give one of the two"),
        (("--threads", 2, "--workers", 2), "of workers it is --threads-per-worker"),
        (("--rule", "local_sim", "--ranks", 2), "compares the samples of a batch"),
        (("--rule", "stdp", "--ranks", 2), "learns from one image after another"),
    ],
)
def test_what_cannot_be_shared_is_refused_in_a_sentence(
    given: tuple[object, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rank_processes, "Team", None)  # no process is started
    words = list(TRAIN)
    if "--rule" in given:
        words[2:4] = []
    if "stdp" in given:
        words = ["train", "--images", 10]
    done = call(*words, *given, "--out", tmp_path)
    assert done.exit_code != 0
    assert sentence in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert not list(tmp_path.iterdir())
