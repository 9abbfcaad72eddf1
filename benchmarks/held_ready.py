"""Engines that hold a network ready, in a process each, and run it when they are asked.

So that all of them can be asked in turns: what a machine does meanwhile then falls on all alike,
and nothing is built or compiled twice.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A run that is shorter is made several times in a turn, which gives their median; what takes longer
# than this is not run again.
_SHORT_S, _AT_A_TURN, _LONG_S = 0.5, 5, 8.0
_MARK = "RESULT"


class HeldReady:
    """A process that has called something once, and calls it again when asked.

    Parameters
    ----------
    call : str
        An expression in the names of simulate.py whose value, called, gives a run's seconds and its
        number of spikes.
    threads : int
        Cores that the process is held to.
    """

    def __init__(self, call: str, threads: int) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process lives
        self._process = subprocess.Popen(
            [sys.executable, "-c", in_simulate(f"hold(lambda: {call})", threads),
             str(Path(__file__).parent)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )  # fmt: skip
        self.call = call
        self._pipe: Any = self._process.stdin
        self._answers: Any = self._process.stdout
        first = self._answer()
        self.build: float = first["build"]
        self.spikes: list[int] = [first["spikes"]]
        self.long = first["seconds"] > _LONG_S
        # The first run warms up; where it is long that is nothing of it.
        self.seconds: list[float] = [first["seconds"]] if self.long else []
        if self.long:
            self.close()

    def run(self) -> None:
        """A turn, which is kept in `seconds`; none where a run is long."""
        if self.long:
            return
        self._pipe.write("run\n")
        self._pipe.flush()
        answer = self._answer()
        self.seconds.append(answer["seconds"])
        self.spikes.append(answer["spikes"])

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        for line in self._answers:
            if line.startswith(_MARK):
                return dict(json.loads(line.removeprefix(_MARK)))
        self._process.wait()
        self._errors.seek(0)
        raise RuntimeError(f"{self.call} failed:\n{self._errors.read()[-2000:]}")


def in_simulate(call: str, threads: int) -> str:
    """A program that calls something of simulate.py's; its folder is the argument."""
    return (
        "import sys, json, os; sys.path.insert(0, sys.argv[1]);"
        f"os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{threads}]);"
        f"from held_ready import hold; from simulate import *; {call}"
    )


def hold(prepare: Callable[[], Callable[[], tuple[float, int]]]) -> None:
    """In the process itself: prepare, run once, and then once more for each line that comes in."""
    start = time.perf_counter()
    run = prepare()
    seconds, spikes = run()
    _tell({"build": time.perf_counter() - start - seconds, "seconds": seconds, "spikes": spikes})
    for _ in sys.stdin:
        number = _AT_A_TURN if seconds < _SHORT_S else 1
        taken, found = zip(*(run() for _ in range(number)), strict=True)
        _tell({"seconds": statistics.median(taken), "spikes": statistics.mean(found)})


def _tell(answer: dict[str, Any]) -> None:
    print(_MARK + json.dumps(answer), flush=True)
