"""The observer goes along into threads that a rule starts.

Modes that see operations belong to a thread. While an observer watches, threads that are started,
and what is handed to a pool of threads, run under it as well.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


class _Along(TorchDispatchMode):
    """Hands every operation of its thread to the observer."""

    def __init__(self, observer: TorchDispatchMode) -> None:
        super().__init__()
        self.observer = observer

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out one operation under the observer."""
        return self.observer.__torch_dispatch__(func, types, args, kwargs)


@contextlib.contextmanager
def into_threads(observer: TorchDispatchMode) -> Iterator[None]:
    """For the time being, threads run what they are given under the observer too."""
    inside = {threading.get_ident()}
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def under(run: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(run)
        def watched(*args: Any, **kwargs: Any) -> Any:
            inside.add(threading.get_ident())
            with _Along(observer):
                return run(*args, **kwargs)

        return watched

    def starting(thread: threading.Thread) -> None:
        if threading.get_ident() in inside and not _of_a_pool(thread):
            thread.run = under(thread.run)  # type: ignore[method-assign]
        start(thread)

    def submitting(pool: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        watched = under(fn) if threading.get_ident() in inside else fn
        return submit(pool, watched, *args, **kwargs)

    threading.Thread.start = starting  # type: ignore[method-assign,assignment]
    ThreadPoolExecutor.submit = submitting  # type: ignore[method-assign]
    try:
        yield
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]


def _of_a_pool(thread: threading.Thread) -> bool:
    """Whether it is one of a pool's, which outlive the observer: their work is watched instead."""
    target = getattr(thread, "_target", None)
    return getattr(target, "__module__", "") == "concurrent.futures.thread"
