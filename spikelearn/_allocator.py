"""How much memory a process keeps that it has freed, for what it allocates next.

Dask has its workers give every freed block of 64 kB or more back to the system, and so take it anew
from there, page by page: a training, which makes arrays of hundreds of kilobytes in every step,
takes half as long again. glibc by itself comes to keep twice the largest block that was freed,
which of a convolutional network is less than a step makes and frees; a process that has asked here
keeps up to 64 MB.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools

# Names of glibc's `mallopt`, and where its own adjusting ends (on 64 bits).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_BLOCK = 32 * 2**20  # beyond it a block is the system's


@functools.cache
def keep_freed_memory() -> None:
    """Have this process keep freed memory, whoever has started it; nothing where glibc is not."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
        mallopt(_TRIM_THRESHOLD, 2 * _LARGEST_BLOCK)
