"""Random numbers: one seed, independent streams by name.

Each consumer of randomness draws from its own stream, derived from the run's seed and a name, so
that adding a consumer never shifts the numbers of another.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._arguments import in_few, is_whole, too_long
from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    import torch


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator for the stream `names` of `seed`."""
    return np.random.default_rng([checked_seed(seed), *map(_key, names)])


def torch_generator(seed: int, *names: str | int) -> torch.Generator:
    """A torch (CPU) generator for the stream `names` of `seed`."""
    import torch

    state = generator(seed, *names).integers(0, 2**63 - 1)
    return torch.Generator().manual_seed(int(state))


def counter_key(seed: int, *names: str | int) -> np.ndarray:
    """The key of the stream `names` of `seed`, whose numbers have places: two words of 64 bits."""
    numbers = np.random.SeedSequence([checked_seed(seed), *map(_key, names)])
    return numbers.generate_state(2, np.uint64)


def checked_seed(number: int) -> int:
    """A seed as it was given.

    Raises
    ------
    SpikelearnError
        Where it is no whole number of at least 0.
    """
    if not is_whole(number) or number < 0 or too_long(number):
        found = in_few(number, 40)
        raise SpikelearnError(f"a seed must be an integer of at least 0, found {found}")
    return int(number)


def _key(name: str | int) -> int:
    # Never 0: NumPy pads short seeds with zeros, so that [seed, 0] and [seed] are one stream.
    return zlib.crc32(name.encode()) if isinstance(name, str) else checked_seed(name) + 1
