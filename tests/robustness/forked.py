"""Commands in forked processes, of which it is told how they ended, how long and how large."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

MOST_SECONDS, MOST_BYTES = 10.0, 2e9


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    outcome : str
        "0", "1" ... by the exit status; "traceback", "hang", "large" or "killed".
    output : str
        What it printed, or where its traceback ends.
    seconds, bytes : float
        How long it took, and how large the process became beyond what it was forked from.
    """

    outcome: str
    output: str
    seconds: float
    bytes: float


def ended(arguments: Sequence[str], seconds: float = MOST_SECONDS) -> Ended:
    """Run a command of ours in a process of its own.

    Parameters
    ----------
    arguments : sequence of str
    seconds : float
        After which it hangs.
    """
    reading, writing = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if not child:
        os.close(reading)
        with contextlib.suppress(BaseException), os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps(_run(arguments)))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = bool(select.select([pipe], [], [], seconds)[0])
        if not told:
            os.kill(child, signal.SIGKILL)
        content = pipe.read()
    _, _, usage = os.wait4(child, 0)
    size = usage.ru_maxrss * 1024 - _resident()
    took = time.monotonic() - start
    if not told:
        return Ended("hang", " ".join(arguments), took, size)
    if not content:
        return Ended("killed", " ".join(arguments), took, size)
    outcome, output = pickle.loads(content)  # noqa: S301 - of our own process
    return Ended("large" if size > MOST_BYTES else outcome, output, took, size)


def _resident() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss)


def _run(arguments: Sequence[str]) -> tuple[str, str]:
    import warnings

    from typer.testing import CliRunner

    from spikelearn.cli import app

    warnings.simplefilter("ignore")
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        last = traceback.extract_tb(result.exception.__traceback__)[-1]
        where = f"{type(result.exception).__name__}: {result.exception} at {last.filename}"
        return "traceback", f"{where}, line {last.lineno}"
    return str(result.exit_code), result.output
