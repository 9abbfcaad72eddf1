"""What a command does, counted: files that it opens to write, renames, removes; how far it tells.

A signal comes at the n-th of them, so that it comes at the same moment on a fast machine and on a
busy one. What is written elsewhere than allowed, and what is started, is noted.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

_CHANGES = {
    "os.rename": (0, 1), "os.remove": (0,), "os.mkdir": (0,), "os.rmdir": (0,),
    "shutil.rmtree": (0,), "os.truncate": (0,), "os.link": (1,), "os.symlink": (1,),
}  # fmt: skip
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pty.spawn")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_TOLD = "spikelearn.told"


class Events:
    """Counts what the process does from now on; there is no way to stop it.

    Parameters
    ----------
    allowed : sequence of Path
        Folders below which it may write.
    at : int
        The event at which it is acted; 0 for none.
    act : callable, optional
        What is done then, before the event is.
    """

    def __init__(
        self, allowed: Sequence[Path], at: int = 0, act: Callable[[], None] | None = None
    ) -> None:
        self.allowed = [os.path.realpath(folder) for folder in allowed]
        self.at, self.act = at, act
        self.count = 0
        self.outside: list[str] = []
        self.started: list[str] = []
        _tell_of_progress()
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if not isinstance(flags, int) or not flags & _WRITES or not isinstance(path, str):
                return
            self._changed(path)
        elif event in _CHANGES:
            for place in _CHANGES[event]:
                if isinstance(args[place], str | os.PathLike):
                    self._changed(os.fspath(args[place]))
        elif event in _STARTS:
            self.started.append(str(args[0])[:200])
        elif event != _TOLD:
            return
        self.count += 1
        if self.count == self.at and self.act is not None:
            self.act()

    def _changed(self, path: Any) -> None:
        real = os.path.realpath(os.fsdecode(path))
        inside = any(real == f or real.startswith(f + os.sep) for f in self.allowed)
        # Machine code lies beside its module; whatever is compiled goes there.
        if not inside and "__pycache__" not in real and not real.startswith("/dev/"):
            self.outside.append(real)


def _tell_of_progress() -> None:
    """Every word of progress is an event, too."""
    from spikelearn import _progress

    @contextlib.contextmanager
    def bars() -> Iterator[Callable[[str], Callable[[float, str], None]]]:
        def add(title: str) -> Callable[[float, str], None]:
            return lambda fraction, words: sys.audit(_TOLD, fraction)

        yield add

    _progress.progress_bars = bars
