"""A sweep on two processes that a signal ends: what is complete stays, and nobody is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from spikelearn._small_results import SmallResults

WORDS = ("sweep", "simulate", "vogels_abbott_cuba", "--duration", "400", "--seeds", "12",
         "--measure", "rate_hz", "--workers", "2")  # fmt: skip


def command(folder):
    code = "from spikelearn.cli import main\nif __name__ == '__main__':\n    main()\n"
    (folder / "command.py").write_text(code)
    return subprocess.Popen(
        [sys.executable, "command.py", *WORDS], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip


def stored(folder):
    path = folder / "runs" / "sweeps" / "results.sqlite"
    if not path.is_file():
        return 0
    with SmallResults(path) as results:
        return len(results)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_complete_stays_and_the_same_command_goes_on(tmp_path, number, status):
    first = command(tmp_path)
    while first.poll() is None and stored(tmp_path) < 2:
        time.sleep(0.05)
    family = psutil.Process(first.pid).children(recursive=True)
    assert len(family) >= 2
    if number == signal.SIGINT:  # as a terminal sends it: to all
        os.killpg(first.pid, number)
    else:
        first.send_signal(number)
    said = first.communicate()[1]
    assert first.returncode == status, said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    psutil.wait_procs(family, timeout=60)
    assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    kept = stored(tmp_path)
    assert kept >= 2
    second = command(tmp_path)
    said = second.communicate()[1]
    assert second.returncode == 0, said
    assert f"of which {kept} need not be computed" in said
    assert stored(tmp_path) == 12
