"""One thread for sums whose last digit matters."""

from __future__ import annotations

from contextlib import AbstractContextManager

from spikelearn.training.on_threads import on_threads


def one_thread() -> AbstractContextManager[None]:
    """Compute on one thread: how threads share sums out can depend on what else the machine does,
    and training makes a difference in the last digit a difference in the result."""
    return on_threads(1)
