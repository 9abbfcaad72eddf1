"""Random numbers: one seed, independent streams by name.

Each consumer of randomness draws from its own stream, derived from the run's seed and a name, so
that adding a consumer never shifts the numbers of another.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator for the stream `names` of `seed`."""
    return np.random.default_rng([_key(seed), *map(_key, names)])


def torch_generator(seed: int, *names: str | int) -> torch.Generator:
    """A torch (CPU) generator for the stream `names` of `seed`."""
    import torch

    state = generator(seed, *names).integers(0, 2**63 - 1)
    return torch.Generator().manual_seed(int(state))


def _key(name: str | int) -> int:
    if isinstance(name, int | np.integer):
        if name < 0:
            raise ValueError(f"a seed is a non-negative integer, found {name}")
        return int(name)
    return zlib.crc32(name.encode())
