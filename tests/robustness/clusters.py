"""A Dask cluster of processes that may be killed, and a sweep's command that computes on it.

Every run of the sweep writes a line when it is measured, with its seed and the process: moments are
counted by these lines, and so is what was computed more than once.
"""

from __future__ import annotations

import collections
import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_MEASURE = """
import os, time
from pathlib import Path

def counted(activity):
    here = Path(__file__).parent
    line = f"{activity.provenance['seed']} {os.getpid()}\\n".encode()
    log = os.open(here / "measured.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, line)
    os.close(log)
    time.sleep(float((here / "seconds").read_text()))
    return activity.n_spikes
"""
_SWEEP = """
name: killed
simulate: {{model: lif_feedforward, stimulus: poisson, duration_ms: 20}}
vary: {{stimulus.rate_hz: [50]}}
seeds: {seeds}
measures: [rate_hz, {place}/counted.py:counted]
"""


class Cluster:
    """A scheduler and workers, each a process; what has died is started again.

    Parameters
    ----------
    folder : Path
        For their files.
    workers : sequence of sequence of str
        The words before the command of each: none, or those that run it on another host.
    scheduler : sequence of str
        Likewise.
    host : str
        The address of the scheduler's.
    """

    def __init__(
        self,
        folder: Path,
        workers: Sequence[Sequence[str]] = ((), ()),
        scheduler: Sequence[str] = (),
        host: str = "127.0.0.1",
    ) -> None:
        self.folder, self.host, self.port = folder, host, _free_port()
        self._prefix = {"scheduler": list(scheduler)}
        self._prefix |= {f"worker{n}": list(words) for n, words in enumerate(workers)}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.started: collections.Counter[str] = collections.Counter()
        self.killed: set[int] = set()  # numbers of processes that computed
        (folder / "temporary").mkdir(parents=True, exist_ok=True)

    @property
    def address(self) -> str:
        return f"tcp://{self.host}:{self.port}"

    @property
    def workers(self) -> list[str]:
        return [name for name in self._prefix if name != "scheduler"]

    def keep_running(self) -> None:
        """Start what does not run."""
        for name in self._prefix:
            there = self.running.get(name)
            if there is None or there.poll() is not None:
                self.running[name] = self._start(name)
                self.started[name] += 1

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        words = [*self._prefix[name], sys.executable, "-m"]
        if name == "scheduler":
            words += ["distributed.cli.dask_scheduler", "--host", self.host, "--port",
                      str(self.port), "--no-dashboard"]  # fmt: skip
        else:
            words += ["distributed.cli.dask_worker", self.address, "--nthreads", "1",
                      "--no-dashboard", "--local-directory", str(self.folder / "temporary"),
                      "--death-timeout", "120"]  # fmt: skip
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(words, cwd=self.folder, env=environment(self.folder),
                                    stdout=log, stderr=log)  # fmt: skip

    def computing(self, name: str) -> list[psutil.Process]:
        """The processes below a worker's nanny that compute, or are about to."""
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.running[name].pid).children(recursive=True)
            return [p for p in below if "spawn_main" in _words(p)]
        return []

    def kill(self, what: str, name: str = "") -> bool:
        """Kill a worker's process, its nanny, or the scheduler; whether there was one.

        Parameters
        ----------
        what : str
            "worker", "nanny" or "scheduler".
        name : str
            Of the worker.
        """
        if what == "scheduler":
            self.running["scheduler"].kill()
            return self.running["scheduler"].wait() != 0
        below = self.computing(name)
        self.killed |= {process.pid for process in below}
        if what == "worker":
            for process in below:
                process.kill()
            return bool(below)
        self.running[name].kill()
        return self.running[name].wait() != 0

    def close(self) -> list[str]:
        """End all, and tell of processes that are left after that of their nanny."""
        below = [p for name in self.workers for p in self.computing(name)]
        for process in self.running.values():
            process.kill()
            process.wait()
        _, left = psutil.wait_procs(below, timeout=60)
        for process in left:
            process.kill()
        return [f"{process} outlives its nanny" for process in left]


@dataclass
class Command:
    """The sweep's command, in a process that is forked from this one.

    Parameters
    ----------
    folder : Path
        Where it is started; its measure and its log are there.
    runs : Path
        Folder of runs.
    seeds : int
        How many runs.
    words : sequence of str
        Further options.
    """

    folder: Path
    runs: Path
    seeds: int
    words: Sequence[str] = ()
    pid: int = 0
    status: int | None = None

    def start(self, seconds: float) -> Command:
        """Start it, with runs whose measure takes so many seconds."""
        self.folder.mkdir(parents=True)
        (self.folder / "counted.py").write_text(_MEASURE)
        (self.folder / "seconds").write_text(str(seconds))
        described = _SWEEP.format(seeds=list(range(self.seeds)), place=self.folder)
        (self.folder / "sweep.yaml").write_text(described)
        self.pid = os.fork()
        if not self.pid:
            with contextlib.suppress(BaseException):
                self._run()
            os._exit(70)
        return self

    def _run(self) -> None:
        from spikelearn.cli import main

        for number, name in ((1, "output"), (2, "errors")):
            file = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT)
            os.dup2(file, number)
        os.chdir(self.folder)
        os.environ.update(environment(self.folder))
        sys.argv = ["spikelearn", "sweep", "run", "sweep.yaml", "--runs", str(self.runs),
                    *self.words]  # fmt: skip
        try:
            main()
        except SystemExit as ended:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ended.code if isinstance(ended.code, int) else 1)
        os._exit(0)

    def poll(self) -> int | None:
        """Its exit status, once it has one."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status

    def wait(self) -> int:
        """Wait for its end; the exit status."""
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def kill(self) -> None:
        """Kill it, as nobody can handle."""
        if self.poll() is None:
            os.kill(self.pid, 9)
            self.wait()

    @property
    def errors(self) -> str:
        return (self.folder / "errors").read_text(encoding="utf-8")

    def measured(self) -> list[tuple[int, int]]:
        """Seed and process of every measurement so far."""
        log = self.folder / "measured.log"
        lines = log.read_text().splitlines() if log.is_file() else []
        return [(int(seed), int(pid)) for seed, pid in map(str.split, lines)]


def environment(folder: Path) -> dict[str, str]:
    """The environment of processes whose temporary files lie in a folder."""
    paths = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "PYTHONPATH": paths, "TMPDIR": str(folder.parent), "COLUMNS": "1000"}


def emptied(folder: Path) -> Path:
    """A folder, new and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _words(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
