"""The command as a user starts it, in a process group of its own, for tests that interrupt it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil


def started(folder: Path, words: tuple[str, ...]) -> subprocess.Popen[str]:
    """`spikelearn WORDS` in a folder; what it says is piped."""
    return subprocess.Popen(
        [sys.executable, "-m", "spikelearn", *words], cwd=folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that it has started, and those that these have."""
    return psutil.Process(process.pid).children(recursive=True)


def local_workers() -> list[psutil.Process]:
    """The processes of this machine that compute for this one: copies of a fork server, or new."""
    below = psutil.Process().children(recursive=True)
    words = {process.pid: " ".join(process.cmdline()) for process in below}
    return [
        process for process in below
        if "spawn_main" in words[process.pid]
        or "multiprocessing.forkserver" in words.get(process.ppid(), "")
    ]  # fmt: skip


def nobody_is_left(family: list[psutil.Process]) -> bool:
    """Whether all of them have ended, which is waited for."""
    psutil.wait_procs(family, timeout=60)
    return not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
