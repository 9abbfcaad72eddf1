"""One thread for sums whose last digit matters."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: how threads share sums out can depend on what else the machine does,
    and training makes a difference in the last digit a difference in the result."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
