"""How many threads a computation may use: all cores of the process, unless it is told fewer.

Many runs are computed side by side on one thread each: threads of several would stand in each
other's way, and sums that threads share out may differ in their last digit.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from numbers import Integral
from typing import Any, TypeVar

from spikelearn._arguments import in_few
from spikelearn._cores import cores
from spikelearn._errors import SpikelearnError

# Of the whole process, as the libraries' own numbers of threads are.
_most: int | None = None
_ANY = 1024  # more than there are, and not more than libraries take
# What Python says where the system starts no thread, in an error of no kind of its own.
_REFUSED = "can't start new thread"
Found = TypeVar("Found")


class NoThreadError(SpikelearnError):
    """The system starts no further thread."""

    def __init__(self) -> None:
        super().__init__(
            "the system starts no further thread: as many processes and threads run as there may be"
            " (`ulimit -u` says how many), or there is no memory for one; with fewer workers and"
            " threads there is room"
        )


def is_refused_thread(error: BaseException) -> bool:
    """Whether an exception says that the system starts no further thread."""
    return isinstance(error, RuntimeError) and _REFUSED in str(error)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not is_refused_thread(error):
            raise
        raise NoThreadError from error


class ThreadPool(ThreadPoolExecutor):
    """Threads that take what is submitted; `NoThreadError` where the system starts none."""

    def submit(self, fn: Callable[..., Found], /, *args: Any, **kwargs: Any) -> Future[Found]:
        """See `ThreadPoolExecutor`."""
        with _told():
            return super().submit(fn, *args, **kwargs)


def start(thread: threading.Thread) -> threading.Thread:
    """Start a thread.

    Raises
    ------
    NoThreadError
    """
    with _told():
        thread.start()
    return thread


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
        raise SpikelearnError(f"threads must be a whole number above 0, found {in_few(threads)}")
    return at_most(int(threads))


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
    number = min(number, _ANY)
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
