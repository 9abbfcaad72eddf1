"""A thread that works at the newest of what is wanted, and leaves earlier wishes alone."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Wish = TypeVar("Wish")


class Superseded(Exception):
    """Something newer is wanted: no error, and nothing to tell."""


class Turn:
    """One wish being worked at; it ends where a newer one has come.

    Parameters
    ----------
    newer : callable
        Whether one has.
    changed : threading.Condition
        Notified when one comes.
    """

    def __init__(self, newer: Callable[[], bool], changed: threading.Condition) -> None:
        self._newer, self._changed = newer, changed

    def check(self, fraction: float = 0.0) -> None:
        """End the work, where it is no longer wanted; `fraction` is what is done of it.

        Raises
        ------
        Superseded
        """
        if self._newer():
            raise Superseded

    def wait(self, until: Callable[[], bool]) -> None:
        """Wait until something is so, of which `Newest.wake` tells, or a newer wish comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._newer() or until())
        self.check()

    def pause(self, seconds: float) -> None:
        """Wait, unless something newer is wanted."""
        with self._changed:
            self._changed.wait_for(self._newer, timeout=seconds)
        self.check()


_all: weakref.WeakSet[Newest[Any]] = weakref.WeakSet()


def close_all(patience_s: float = 30.0) -> None:
    """End all that is worked at, and wait until it has ended."""
    until = time.monotonic() + patience_s
    still = list(_all)
    for newest in still:
        newest.close()
    for newest in still:
        newest.join(max(0.0, until - time.monotonic()))


class Newest(Generic[Wish]):
    """Works at the newest wish, on a thread of its own that sleeps where there is none.

    Parameters
    ----------
    work : callable
        Takes a wish and its `Turn`, on the thread.
    """

    def __init__(self, work: Callable[[Wish, Turn], None]) -> None:
        self._do = work
        self._changed = threading.Condition()
        self._wanted: list[Wish] = []
        self._version = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        _all.add(self)

    def want(self, wish: Wish) -> None:
        """Work at this next, and at nothing earlier."""
        with self._changed:
            self._wanted, self._version = [wish], self._version + 1
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="explorer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wake(self, change: Callable[[], None]) -> None:
        """Change what a turn waits for, and let it look."""
        with self._changed:
            change()
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread, and what it works at."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self, seconds: float) -> None:
        """Wait until the thread has ended, at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._wanted))
                if self._closed:
                    return
                wish, version = self._wanted.pop(), self._version
            turn = Turn(lambda of=version: self._closed or self._version != of, self._changed)  # type: ignore[misc]
            try:
                self._do(wish, turn)
            except Superseded:
                pass
            except Exception:
                if not self._closed:  # what is torn down while it ends is nobody's concern
                    raise
