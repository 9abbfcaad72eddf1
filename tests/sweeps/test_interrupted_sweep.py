"""A sweep on two processes that a signal ends: what is complete stays, and nobody is left."""

from __future__ import annotations

import os
import signal
import time

import pytest
from started_commands import family_of, nobody_is_left, started

from spikelearn._small_results import SmallResults

WORDS = ("sweep", "simulate", "vogels_abbott_cuba", "--duration", "400", "--seeds", "12",
         "--measure", "rate_hz", "--workers", "2")  # fmt: skip


def stored(folder):
    path = folder / "runs" / "sweeps" / "results.sqlite"
    if not path.is_file():
        return 0
    with SmallResults(path) as results:
        return len(results)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_complete_stays_and_the_same_command_goes_on(tmp_path, number, status):
    first = started(tmp_path, WORDS)
    while first.poll() is None and stored(tmp_path) < 2:
        time.sleep(0.05)
    family = family_of(first)
    assert len(family) >= 2
    if number == signal.SIGINT:  # as a terminal sends it: to all
        os.killpg(first.pid, number)
    else:
        first.send_signal(number)
    said = first.communicate()[1]
    assert first.returncode == status, said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert nobody_is_left(family)
    kept = stored(tmp_path)
    assert kept >= 2
    second = started(tmp_path, WORDS)
    said = second.communicate()[1]
    assert second.returncode == 0, said
    assert f"of which {kept} need not be computed" in said
    assert stored(tmp_path) == 12
