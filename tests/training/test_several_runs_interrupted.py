"""Trainings by two processes that Ctrl-C ends: what is complete stays, and nobody is left."""

from __future__ import annotations

import os
import signal
import time

import pytest
from started_commands import family_of, nobody_is_left, started

from spikelearn import _store as store

WORDS = ("train", "mlp_784", "--rule", "backprop", "--images", "3000", "--epochs", "2",
         "--seeds", "4", "--workers", "2")  # fmt: skip


def complete(folder):
    return {path.parent.name for path in (folder / "runs").glob(f"[!.]*/{store.MADE}")}


@pytest.mark.slow
def test_what_is_complete_stays_and_the_same_command_trains_the_rest(tmp_path):
    first = started(tmp_path, WORDS)
    while first.poll() is None and not complete(tmp_path):
        time.sleep(0.05)
    family = family_of(first)
    os.killpg(first.pid, signal.SIGINT)  # as a terminal sends it: to all
    said = first.communicate()[1]
    assert first.returncode == 130, said
    assert "is kept; the same command goes on from there." in said
    assert "Traceback" not in said
    assert nobody_is_left(family)
    kept = complete(tmp_path)
    days = {name: store.made(tmp_path / "runs" / name) for name in kept}
    second = started(tmp_path, WORDS)
    output, said = second.communicate()
    assert second.returncode == 0, said
    assert len(complete(tmp_path)) == 4
    assert output.count("Read from ") == len(kept)
    assert days == {name: store.made(tmp_path / "runs" / name) for name in kept}
