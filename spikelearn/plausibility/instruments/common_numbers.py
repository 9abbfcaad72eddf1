"""Common random numbers: whatever a rule draws, it draws the same each time.

A rule's own generator is seeded with it. One that draws from the global generators of torch, NumPy
or Python is given these in one and the same state, so that two updates differ by what was changed
alone; what was there before is put back.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


@contextlib.contextmanager
def common_numbers(seed: int) -> Iterator[None]:
    """For the time being, global random numbers as they follow from a seed."""
    kept = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    reseed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        random.setstate(kept[2])


def reseed(seed: int) -> None:
    """Give the global generators the state that follows from a seed."""
    short = seed % 2**32  # NumPy's global generator takes no longer ones
    torch.manual_seed(short)
    np.random.seed(short)  # noqa: NPY002
    random.seed(seed)
