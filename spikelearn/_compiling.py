"""Machine code is kept where that is possible, and made anew where nothing can be kept.

Numba keeps compiled code beside the module, or else in the user's cache folder. `SPIKELEARN_CACHE`
holds it where that is set; and where no place can be written to (a container without a home, a disk
that is full), code is compiled in every process instead of not at all.

It takes seconds, and is told to whoever watches.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_WATCHERS: list[Callable[[bool], None]] = []


@contextlib.contextmanager
def compiling_watched(tell: Callable[[bool], None]) -> Iterator[None]:
    """Call `tell(True)` where code of the toolkit begins to be compiled, `tell(False)` at the end.

    What is read from the cache is not told of. `tell` may be called in any thread.
    """
    _WATCHERS.append(tell)
    try:
        yield
    finally:
        _WATCHERS.remove(tell)


def compiled(**options: Any) -> Callable[[Any], Any]:
    """What compiles a function by `numba.njit` with these options, and keeps its machine code."""
    from numba import njit

    _listen()

    def decorate(function: Any) -> Any:
        with _kept_in_our_cache():
            try:
                made = njit(cache=True, **options)(function)
            except RuntimeError as error:
                if "cannot cache function" not in str(error):
                    raise
                return njit(**options)(function)
        # A disk that is full by now, or a folder that was taken away: not kept, and used.
        made._cache._guard_against_spurious_io_errors = lambda: contextlib.suppress(OSError)
        return made

    return decorate


@contextlib.contextmanager
def _kept_in_our_cache() -> Iterator[None]:
    """Numba's place for code, while it is chosen; that of `NUMBA_CACHE_DIR` comes first."""
    import numba

    # What it holds is made when it is imported, which type checkers cannot know.
    config: Any = numba.config
    ours = os.environ.get("SPIKELEARN_CACHE")
    if not ours or os.environ.get("NUMBA_CACHE_DIR"):
        yield
        return
    before = config.CACHE_DIR
    config.CACHE_DIR = str(Path(ours) / "compiled")
    try:
        yield
    finally:
        config.CACHE_DIR = before


@functools.cache
def _listen() -> None:
    """Have Numba tell of each function that it compiles; those within another are part of it."""
    from numba.core import event

    depth = 0  # Numba compiles under a lock of its own, in one thread at a time

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            nonlocal depth
            depth += 1
            if depth == 1:
                for tell in list(_WATCHERS):
                    tell(True)

        def on_end(self, event: Any) -> None:
            nonlocal depth
            depth -= 1
            if depth == 0:
                for tell in list(_WATCHERS):
                    tell(False)

    event.register("numba:compile", Listener())
