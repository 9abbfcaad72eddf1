"""What was drawn before, for networks that are made again with other weights.

Pairs are decided by connectivity, sizes and the state of the generator. They are kept within
`pairs_kept`, with the state in which their drawing left the generator, so that whatever is drawn
next is the same as if they had been drawn anew. What an engine has made of them may be kept beside
them, by what decides that (`look_up`, `keep`).
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._keys import content_key

if TYPE_CHECKING:
    from spikelearn.networks.connectivity import Connectivity

MOST_BYTES = 1_000_000_000
# Of fewer synapses to look them up takes as long as to draw them.
_FEWEST = 100_000

_kept: OrderedDict[str, tuple[Any, float]] | None = None  # with its bytes
_lock = threading.Lock()  # projections are drawn on several threads


_most_bytes: float | None = None


def keep_at_most(n_bytes: float | None) -> None:
    """How much is kept from now on; `MOST_BYTES` for None."""
    global _most_bytes  # noqa: PLW0603 - of the process, as what is kept is
    _most_bytes = n_bytes


@contextlib.contextmanager
def pairs_kept() -> Iterator[None]:
    """Within the block, pairs of large projections and rows of them are kept, the latest.

    A simulation with other weights, rates or neurons then draws no pairs; its spikes are the same,
    to the last bit.
    """
    global _kept  # noqa: PLW0603 - of the process: whatever simulates within the block draws by it
    before, _kept = _kept, OrderedDict() if _kept is None else _kept
    try:
        yield
    finally:
        _kept = before


def keep_pairs() -> None:
    """Keep them from now on, in a process that does nothing else."""
    global _kept  # noqa: PLW0603 - as above
    if _kept is None:
        _kept = OrderedDict()


def draw_pairs(
    connectivity: Connectivity, n_source: int, n_target: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs that a connectivity draws, perhaps kept from an earlier time.

    Parameters
    ----------
    connectivity : Connectivity
    n_source, n_target : int
        Sizes of the populations.
    generator : numpy.random.Generator
        Is afterwards in the state in which drawing leaves it.

    Returns
    -------
    (array, array)
        Indices of shape (n_synapses,); not to be changed.
    """
    if _kept is None or connectivity.expected_number(n_source, n_target) < _FEWEST:
        return connectivity.draw(n_source, n_target, generator)
    key = content_key([dict(connectivity), n_source, n_target, generator.bit_generator.state])
    found = look_up(key)
    if found is not None:
        pre, post, generator.bit_generator.state = found
        return pre, post
    drawn = connectivity.draw(n_source, n_target, generator)
    pre, post = (_narrow(ends) for ends in drawn)
    keep(key, (pre, post, generator.bit_generator.state), pre.nbytes + post.nbytes)
    return pre, post


def keeping() -> bool:
    """Whether what is drawn is kept."""
    return _kept is not None


def look_up(key: str) -> Any:
    """What was kept under a key; None where there is nothing."""
    with _lock:
        found = None if _kept is None else _kept.get(key)
        if found is None or _kept is None:
            return None
        _kept.move_to_end(key)
        return found[0]


def keep(key: str, value: Any, n_bytes: float) -> None:
    """Keep something, and let go of the oldest where that becomes too much; not outside the block.

    What is larger by itself than all that may be kept is not kept.

    Parameters
    ----------
    key : str
        Of all that decides it.
    value : object
        Not to be changed by anybody.
    n_bytes : float
        Its size.
    """
    most = MOST_BYTES if _most_bytes is None else _most_bytes
    with _lock:
        if _kept is None or n_bytes > most:
            return
        _kept[key] = value, n_bytes
        while _size(_kept) > most:
            _kept.popitem(last=False)


def _narrow(ends: np.ndarray) -> np.ndarray:
    """A copy, for what is drawn may be somebody's; read only, for many may have it."""
    narrow = ends.astype(np.int32)
    narrow.flags.writeable = False
    return narrow


def _size(kept: OrderedDict[str, tuple[Any, float]]) -> float:
    return sum(n_bytes for _, n_bytes in kept.values())
