"""Machine code is kept where that is possible, and made anew where nothing can be kept.

Numba keeps compiled code beside the module, or else in the user's cache folder. `SPIKELEARN_CACHE`
holds it where that is set; and where no place can be written to (a container without a home, a disk
that is full), code is compiled in every process instead of not at all.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def compiled(**options: Any) -> Callable[[Any], Any]:
    """What compiles a function by `numba.njit` with these options, and keeps its machine code."""
    from numba import njit

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
