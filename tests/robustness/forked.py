"""Commands in processes of their own, of which it is told how they ended and what they did.

Forked ones begin with every library imported; others begin with nothing, as a user's do. A command
hangs that computes for longer than it may, or waits for what never comes: a busy machine makes
neither more likely.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from events import Events

MOST_SECONDS, MOST_BYTES = 10.0, 2e9
# Nothing comes from a process that computes nothing for so long.
WAITS_SECONDS = 300.0
_NOBODY = 65534
_PROGRAM = """
import resource, sys
seconds = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_CPU, (seconds + 2, seconds + 4))
from spikelearn.__main__ import main
main()
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    outcome : str
        "0", "1" ... by the exit status; "traceback", "hang", "large" or "killed".
    output : str
        What it printed, or where its traceback ends.
    errors : str
        What it printed as errors.
    seconds, bytes : float
        Of computing, and how large the process became beyond what it was forked from.
    events : int
        How many of `events.Events` it was.
    outside, started : list of str
        What it changed elsewhere than it may, and programs that it started.
    """

    outcome: str
    output: str = ""
    errors: str = ""
    seconds: float = 0.0
    bytes: float = 0.0
    events: int = 0
    outside: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Where:
    """In which circumstances a command runs.

    Attributes
    ----------
    folder : Path
        Where it is started; it may write in it alone.
    also : tuple of Path
        Where else it may write.
    signal_at, signal : int
        The event at which it gets this signal; 0 for none.
    nobody : bool
        Whether as a user who owns nothing and has no home; needs the right to become another.
    unprivileged : bool
        Whether without the rights of a system's administrator, and with a home that is not there.
    umask : int or None
        The mask of permissions.
    seconds : float
        Of computing that are allowed.
    patch : callable, optional
        Called in the process before the command.
    """

    folder: Path
    also: tuple[Path, ...] = ()
    signal_at: int = 0
    signal: int = int(getattr(signal, "SIGKILL", 9))
    nobody: bool = False
    unprivileged: bool = False
    umask: int | None = None
    seconds: float = MOST_SECONDS
    patch: Callable[[], None] | None = None

    @property
    def temporary(self) -> Path:
        """Its folder for temporary files."""
        return self.folder.with_name(f"{self.folder.name}-temporary")

    @property
    def cache(self) -> Path:
        """Its home and cache, which those beside it share."""
        return self.folder.with_name("cache")

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in ("HOME", "SPIKELEARN_CACHE")}
        own = {"HOME": str(self.cache), "SPIKELEARN_CACHE": str(self.cache)}
        if self.nobody or self.unprivileged:
            own = {"HOME": "/nowhere"} if self.unprivileged else {}
        return kept | own | {"TMPDIR": str(self.temporary), "COLUMNS": "1000"}

    def enter(self) -> Events:
        """Make these circumstances those of this process."""
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment())
        tempfile.tempdir = None
        if self.umask is not None:
            os.umask(self.umask)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)  # whoever started us may ignore it
        if self.nobody:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        if self.unprivileged:
            _give_up_rights()
        if self.patch is not None:
            self.patch()
        send = int(self.signal)
        return Events(
            [self.folder, self.temporary, self.cache, *self.also],
            self.signal_at,
            lambda: os.kill(os.getpid(), send),
        )


def ended(arguments: Sequence[str], where: Where) -> Ended:
    """Run a command of ours in a process that is forked from this one.

    Parameters
    ----------
    arguments : sequence of str
    where : Where
    """
    _make_temporary(where)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with contextlib.suppress(BaseException), os.fdopen(writing, "wb") as pipe:
            _limit(where.seconds, beyond=4e9)
            pipe.write(pickle.dumps(_run(arguments, where)))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = b""
        if select.select([pipe], [], [], WAITS_SECONDS)[0]:
            content = pipe.read()
        else:
            os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    found = pickle.loads(content) if content else Ended("killed")  # noqa: S301 - our process's
    return _measured(found, status, usage, where, _resident())


def ended_for_real(arguments: Sequence[str], where: Where) -> Ended:
    """Run a command of ours as a user does, in a process that begins with nothing.

    Parameters
    ----------
    arguments : sequence of str
    where : Where
        Without a signal and a patch.
    """
    _make_temporary(where)
    allowed = dataclasses.replace(
        where, seconds=where.seconds + 20.0
    )  # what is imported takes long
    user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if where.nobody else {}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(int(allowed.seconds)), *arguments],
            cwd=where.folder, stdout=output, stderr=errors, env=where.environment(), **user,
        )  # fmt: skip
        until = time.monotonic() + WAITS_SECONDS
        pid, status, usage = 0, 0, None
        while not pid:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if not pid and time.monotonic() > until:
                child.kill()
            time.sleep(0.02)
        child.returncode = 0  # waited for here
        output.seek(0)
        errors.seek(0)
        said, wrong = (f.read().decode(errors="replace") for f in (output, errors))
    outcome = str(os.waitstatus_to_exitcode(status))
    if "Traceback (most recent" in wrong:
        outcome = "traceback"
    return _measured(Ended(outcome, said, wrong), status, usage, allowed, 0.0)


def _measured(
    found: Ended, status: int, usage: resource.struct_rusage, where: Where, before: float
) -> Ended:
    seconds, size = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 - before
    outcome = found.outcome
    if size > MOST_BYTES:
        outcome = "large"
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
    if seconds > where.seconds or (killed and not where.signal_at):
        outcome = "hang"
    return dataclasses.replace(found, outcome=outcome, seconds=seconds, bytes=size)


def _make_temporary(where: Where) -> None:
    where.temporary.mkdir(exist_ok=True)
    where.cache.mkdir(exist_ok=True)
    if where.nobody:
        os.chown(where.temporary, _NOBODY, _NOBODY)


def _give_up_rights() -> None:
    """From now on permissions count for an administrator, too, and in programs that are started."""
    if os.getuid():
        return
    import ctypes

    set_securebits, no_root = 28, 0b11
    if ctypes.CDLL(None, use_errno=True).prctl(set_securebits, no_root, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot give up rights for good")
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "cannot give up rights")


def _limit(seconds: float, beyond: float) -> None:
    """No process of ours computes for ever, or takes the machine's memory with it."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 2, int(seconds) + 4))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + int(beyond)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _resident() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss)


def _run(arguments: Sequence[str], where: Where) -> Ended:
    import warnings

    from typer.testing import CliRunner

    from spikelearn.cli import app

    events = where.enter()
    warnings.simplefilter("ignore")
    result = CliRunner().invoke(app, list(arguments))
    outcome, output, errors = str(result.exit_code), result.stdout, result.stderr
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        last = traceback.extract_tb(result.exception.__traceback__)[-1]
        kind = type(result.exception).__name__
        words = f"{kind}: {str(result.exception)[:500]} at {last.filename}, line {last.lineno}"
        outcome, output = "traceback", words
    return Ended(
        outcome, output, errors, events=events.count, outside=events.outside,
        started=events.started,
    )  # fmt: skip
