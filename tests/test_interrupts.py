"""Signals end work in one sentence that says truly what is kept."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import typer

from spikelearn._interrupts import (
    Interrupted,
    ended_by_signals,
    goes_on,
    interruption,
    keeping,
    last_interrupt,
)
from spikelearn.cli._app import plainly

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


@pytest.mark.parametrize("number", SIGNALS)
def test_which_signal_it_was_is_known_when_the_exception_is_gone(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with ended_by_signals():
            assert type(last_interrupt()) is KeyboardInterrupt
            with contextlib.suppress(KeyboardInterrupt):  # as engines do that give their part
                signal.raise_signal(number)
            assert last_interrupt().signal == number  # type: ignore[attr-defined]
        assert type(last_interrupt()) is KeyboardInterrupt  # the next command has its own
    finally:
        signal.signal(number, before)


# Takes exceptions for its own, as large libraries do while they are imported.
_LIBRARY = """
import os, signal
try:
    os.kill(os.getpid(), {number})
    for _ in range(10**5):
        pass
except BaseException:
    raise ImportError("half imported")
whole = True
"""


def _wait_for_ever(library: Any) -> None:
    assert library.whole
    while True:
        time.sleep(0.001)


@pytest.mark.parametrize("number", [signal.SIGINT, *SIGNALS])
def test_a_signal_waits_until_a_library_is_imported(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"large_library_{number.name.lower()}"
    (tmp_path / f"{name}.py").write_text(_LIBRARY.format(number=int(number)), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    usual = signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)
    try:
        with pytest.raises(KeyboardInterrupt) as caught, ended_by_signals():
            _wait_for_ever(importlib.import_module(name))
        assert signal.getsignal(number) is usual
    finally:
        signal.signal(number, before)
        sys.modules.pop(name, None)
    assert interruption(caught.value)[1] == 128 + number


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
sys.argv = ["spikelearn", *sys.argv[3:]]
from spikelearn.cli import main
main()
"""
_WORDS = "train mlp_64 --rule backprop --dataset digits --out runs --set epochs=4 --set n_train=50"


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("number", "epoch", "sentence"),
    [
        (signal.SIGTERM, 3, "Interrupted by SIGTERM. Training up to epoch 2 is kept; the same"),
        (signal.SIGHUP, 1, "Interrupted by SIGHUP. Nothing of it is kept, and nothing half-"),
    ],
)
def test_training_that_a_scheduler_ends_says_what_it_kept_and_goes_on(
    number: signal.Signals,
    epoch: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from typer.testing import CliRunner

    from spikelearn.cli import app

    ended = subprocess.run(
        [sys.executable, "-c", _TRAINING, number.name, str(epoch), *_WORDS.split()],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert sentence in ended.stderr.replace("\n", " ")
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 128 + number
    assert not list(tmp_path.glob("runs/[!.]*"))
    monkeypatch.chdir(tmp_path)
    again = CliRunner().invoke(app, _WORDS.split())
    assert again.exit_code == 0, again.output
    assert len(list(tmp_path.glob("runs/*"))) == 1
    assert not [p for p in tmp_path.rglob(".*") if p.is_file() or p.is_dir()]


def _every_command() -> list[tuple[str, Any]]:
    from typer.main import get_command

    from spikelearn.cli import app

    found = []

    def visit(name: str, command: Any) -> None:
        found.append((name, command.callback))
        for inner, one in getattr(command, "commands", {}).items():
            visit(f"{name} {inner}", one)

    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        visit(name, command)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, *SIGNALS])
def test_every_command_ends_with_the_status_of_the_signal(number: signal.Signals) -> None:
    """What they share, around whatever they do."""
    groups = ("study",)  # without work of its own
    commands = [(n, c) for n, c in _every_command() if n not in groups and c is not None]
    assert len(commands) > 20
    for name, command in commands:
        assert command.__wrapped__, name  # by `plainly`
    before = signal.signal(number, signal.SIG_DFL)
    if number == signal.SIGINT:
        signal.signal(number, signal.default_int_handler)
    try:

        @plainly
        def work() -> None:
            signal.raise_signal(number)

        with pytest.raises(typer.Exit) as caught:
            work()
    finally:
        signal.signal(number, before)
    assert caught.value.exit_code == 128 + number


@pytest.mark.parametrize(
    "error",
    [MemoryError(), MemoryError("Unable to allocate 7.28 TiB"),
     RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried it")],
)  # fmt: skip
def test_memory_that_is_not_there_is_one_sentence(
    error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # This file would be taken for a user's where rules of other tests have been read.
    monkeypatch.delitem(sys.modules, "spikelearn.rules.user_rule", raising=False)

    @plainly
    def work() -> None:
        raise error

    with pytest.raises(typer.Exit) as caught:
        work()
    assert caught.value.exit_code == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: the free memory does not hold what is asked for")
    assert said.count("\n") == 1


def test_of_several_runs_those_that_are_complete_are_kept_and_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from spikelearn.cli import app
    from spikelearn.training import loop

    train = loop.train

    def interrupted(config: Any, *rest: Any, **more: Any) -> Any:
        if config.seed == 1:
            raise Interrupted(signal.SIGTERM)
        return train(config, *rest, **more)

    monkeypatch.setattr(loop, "train", interrupted)
    words = "train mlp_64 --rule backprop --dataset digits --epochs 1 --images 30 --seeds 2"
    ended = CliRunner().invoke(app, [*words.split(), "--out", str(tmp_path)])
    assert ended.exit_code == 143
    assert ended.stderr.splitlines()[-1] == (
        "Interrupted by SIGTERM. What is complete (1 of 2 runs) is kept; the same command goes on"
        " from there."
    )
    assert len(list(tmp_path.iterdir())) == 1


def test_outputs_that_are_written_when_it_is_interrupted_are_said_to_be(tmp_path: Path) -> None:
    from spikelearn.cli._viewing import each_on_its_own

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        each_on_its_own([(tmp_path / "a").touch, interrupted])
    assert interruption(caught.value)[0] == "Interrupted. Outputs that are written whole: 1."


def test_an_output_that_has_just_got_its_name_is_said_to_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spikelearn import _atomic
    from spikelearn.cli._viewing import each_on_its_own

    def interrupted(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    def write() -> None:
        with _atomic.atomic_path(tmp_path / "a") as temporary:
            temporary.touch()
            monkeypatch.setattr(_atomic, "_put_away", interrupted)

    with pytest.raises(KeyboardInterrupt) as caught:
        each_on_its_own([write])
    assert (tmp_path / "a").is_file()
    assert interruption(caught.value)[0] == "Interrupted. Outputs that are written whole: 1."


# A signal comes while a module is imported, as of a user who has mistyped; and at the very end.
_IMPORTING = """
import importlib.abc, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it
number, module = signal.Signals[sys.argv[1]], sys.argv[2]
class Impatient(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), number)
for one in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(one, signal.SIG_DFL)  # whoever started the tests may ignore it
sys.meta_path.insert(0, Impatient())
from spikelearn.__main__ import main
sys.argv = ["spikelearn", "rules"]
main()
"""
_AT_THE_END = """
import atexit, os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it
atexit.register(os.kill, os.getpid(), signal.SIGINT)
import sys
from spikelearn.__main__ import main
sys.argv = ["spikelearn", "rules"]
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("number", "module", "sentence"),
    [
        (signal.SIGINT, "typer", "Interrupted. Nothing of it is kept"),
        (signal.SIGTERM, "spikelearn.cli._tables", "Interrupted by SIGTERM. Nothing of it is"),
    ],
)
def test_a_signal_while_modules_are_imported_ends_in_one_sentence(
    number: signal.Signals, module: str, sentence: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTING, number.name, module], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 128 + number
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_signal_after_all_is_done_says_nothing_that_is_not_true() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AT_THE_END], capture_output=True, text=True, check=False
    )
    assert "backprop" in done.stdout
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""
