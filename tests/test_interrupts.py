"""Signals end work in one sentence that says truly what is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from spikelearn._interrupts import (
    Interrupted,
    ended_by_signals,
    goes_on,
    interruption,
    keeping,
)

SIGNALS = [signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_asks_for_the_end_is_an_interrupt(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # whoever started the tests may ignore it
    try:
        with pytest.raises(KeyboardInterrupt) as caught, ended_by_signals():
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    sentence, status = interruption(caught.value)
    assert sentence.startswith(f"Interrupted by {number.name}. Nothing of it is kept")
    assert status == 128 + number


def test_ctrl_c_is_told_alike() -> None:
    sentence, status = interruption(KeyboardInterrupt())
    assert sentence == "Interrupted. Nothing of it is kept, and nothing half-written is left."
    assert status == 130


def test_signals_that_are_ignored_stay_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_thread_leaves_signals_alone() -> None:
    seen = []

    def run() -> None:
        with ended_by_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_what_is_kept_is_said_once_by_each_that_keeps() -> None:
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        keeping(lambda: goes_on("The study")),
        keeping(goes_on("Training up to epoch 2", 2)),
        keeping(goes_on("Training up to epoch 0", 0)),
    ):
        raise Interrupted(signal.SIGTERM)
    assert interruption(caught.value)[0] == (
        "Interrupted by SIGTERM. Training up to epoch 2 is kept; the same command goes on from"
        " there. The study is kept; the same command goes on from there."
    )


# Interrupts itself when the third epoch begins, as a scheduler would.
_TRAINING = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever started the tests may ignore it
from spikelearn.training import loop
original, name, last = loop._Loop._epoch, sys.argv[1], int(sys.argv[2])
def epoch(self, number, *rest):
    if number == last:
        os.kill(os.getpid(), signal.Signals[name])
    return original(self, number, *rest)
loop._Loop._epoch = epoch
sys.argv = "spikelearn train mlp_64 --rule backprop --dataset digits --out runs".split()
sys.argv += "--set epochs=4 --set n_train=50".split()
from spikelearn.cli import main
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("number", "epoch", "sentence"),
    [
        (signal.SIGTERM, 3, "Interrupted by SIGTERM. Training up to epoch 2 is kept; the same"),
        (signal.SIGHUP, 1, "Interrupted by SIGHUP. Nothing of it is kept, and nothing half-"),
    ],
)
def test_training_that_a_scheduler_ends_says_what_it_kept_and_goes_on(
    number: signal.Signals, epoch: int, sentence: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _TRAINING, number.name, str(epoch)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert sentence in ended.stderr.replace("\n", " ")
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 128 + number
    assert not list(tmp_path.glob("runs/[!.]*"))
    again = subprocess.run(
        [sys.executable, "-c", _TRAINING, number.name, "9"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert len(list(tmp_path.glob("runs/*"))) == 1
    assert not [p for p in tmp_path.rglob(".*") if p.is_file() or p.is_dir()]
