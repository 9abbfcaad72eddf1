"""How many threads training computes on, and in how many processes: told beside what it found."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import torch

Epochs = tuple[int, str]


@contextlib.contextmanager
def on_threads(number: int = 1) -> Iterator[None]:
    """Compute on so many threads, one unless more are asked for: how threads share sums out can
    depend on what else the machine does, and training makes a difference in the last digit a
    difference in the result."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def computed_on(ranks: int, threads: int) -> str:
    """So many processes of so many threads in words; nothing for one of one, which is usual."""
    if ranks == 1:
        return "" if threads == 1 else f"{threads} threads"
    return f"{ranks} processes" + (f" of {threads} threads" if threads > 1 else "")


def in_words(parts: Sequence[Epochs], last: int) -> str:
    """What epochs were computed on, where that is not one process on one thread; else nothing.

    Parameters
    ----------
    parts : sequence of (int, str)
        The first epoch of each part of the run, and what `computed_on` says of it.
    last : int
        The last epoch.
    """
    parts = [p for i, p in enumerate(parts) if not i or p[1] != parts[i - 1][1]]
    if len(parts) <= 1:
        return "".join(words for _, words in parts)
    ends = [first - 1 for first, _ in parts[1:]] + [last]
    told = [
        f"{words or 'one thread'} (epochs {first} to {end})" if end > first
        else f"{words or 'one thread'} (epoch {first})"
        for (first, words), end in zip(parts, ends, strict=True)
    ]  # fmt: skip
    return " and ".join([", ".join(told[:-1]), told[-1]])
