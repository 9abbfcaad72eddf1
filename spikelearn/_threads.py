"""How many threads a computation may use: all cores of the process, unless it is told fewer.

Many runs are computed side by side on one thread each: threads of several would stand in each
other's way, and sums that threads share out may differ in their last digit.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from numbers import Integral
from typing import Any

from spikelearn._errors import SpikelearnError

# Of the whole process, as the libraries' own numbers of threads are.
_most: int | None = None
_ANY = 1024  # more than there are, and not more than libraries take


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def n_threads() -> int:
    """Threads that a computation may use now."""
    return cores() if _most is None else _most


def as_many(threads: int | None) -> contextlib.AbstractContextManager[None]:
    """A block that computes on as many threads as a user says; as it would anyway, if absent.

    Raises
    ------
    SpikelearnError
        Where it is no whole number above 0.
    """
    if threads is None:
        return contextlib.nullcontext()
    if not isinstance(threads, Integral) or isinstance(threads, bool) or threads < 1:
        raise SpikelearnError(f"threads must be a whole number above 0, found {threads!r}")
    return at_most(min(int(threads), _ANY))


@functools.lru_cache(maxsize=1)
def _libraries(n_modules: int) -> Any:
    """The libraries that compute on threads; looked for again where a module was imported since.

    To look takes as long as a small simulation.
    """
    import threadpoolctl

    return threadpoolctl.ThreadpoolController()


@contextlib.contextmanager
def at_most(number: int) -> Iterator[None]:
    """Within the block, the toolkit, BLAS and PyTorch compute on so many threads."""
    global _most  # noqa: PLW0603 - of the process, as threads are
    before, _most = _most, number
    torch = sys.modules.get("torch")  # imported only where it is in use already
    of_torch = None if torch is None else torch.get_num_threads()
    try:
        with _libraries(len(sys.modules)).limit(limits=number):
            if torch is not None:
                torch.set_num_threads(number)
            yield
    finally:
        _most = before
        if torch is not None and of_torch is not None:
            torch.set_num_threads(of_torch)
