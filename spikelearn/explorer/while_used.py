"""What holds for the whole process while any page uses it, however many do."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager


class WhileUsed:
    """A state of the process: the first block that uses it enters it, the last one leaves it.

    Parameters
    ----------
    state : callable
        Gives the context manager of it; called each time that it is entered.

    Attributes
    ----------
    lock : Lock
        Within which it is entered and left.
    """

    def __init__(self, state: Callable[[], AbstractContextManager[object]]) -> None:
        self._state, self._users = state, 0
        self._entered = contextlib.ExitStack()
        self.lock = threading.Lock()

    @property
    def is_used(self) -> bool:
        """Whether any block uses it; ask within `lock`."""
        return self._users > 0

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """A block that uses it."""
        with self.lock:
            if not self._users:
                self._entered.enter_context(self._state())
            self._users += 1
        try:
            yield
        finally:
            with self.lock:
                self._users -= 1
                if not self._users:
                    self._entered.close()
