"""Trainings by two processes that Ctrl-C ends: what is complete stays, and nobody is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from spikelearn import _store as store

WORDS = ("train", "mlp_784", "--rule", "backprop", "--images", "3000", "--epochs", "2",
         "--seeds", "4", "--workers", "2")  # fmt: skip


def command(folder):
    code = "from spikelearn.cli import main\nif __name__ == '__main__':\n    main()\n"
    (folder / "command.py").write_text(code)
    return subprocess.Popen(
        [sys.executable, "command.py", *WORDS], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip


def complete(folder):
    return {path.parent.name for path in (folder / "runs").glob(f"[!.]*/{store.MADE}")}


@pytest.mark.slow
def test_what_is_complete_stays_and_the_same_command_trains_the_rest(tmp_path):
    first = command(tmp_path)
    while first.poll() is None and not complete(tmp_path):
        time.sleep(0.05)
    family = psutil.Process(first.pid).children(recursive=True)
    os.killpg(first.pid, signal.SIGINT)  # as a terminal sends it: to all
    said = first.communicate()[1]
    assert first.returncode == 130, said
    assert "is kept; the same command goes on from there." in said
    assert "Traceback" not in said
    psutil.wait_procs(family, timeout=60)
    assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    kept = complete(tmp_path)
    days = {name: store.made(tmp_path / "runs" / name) for name in kept}
    second = command(tmp_path)
    output, said = second.communicate()
    assert second.returncode == 0, said
    assert len(complete(tmp_path)) == 4
    assert output.count("Read from ") == len(kept)
    assert days == {name: store.made(tmp_path / "runs" / name) for name in kept}
