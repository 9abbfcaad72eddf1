"""Test and validation examples that were trained on: the same content, bit by bit."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np


def n_seen(learned: Any, shown: Any) -> int:
    """How many of the examples shown are, bit by bit, among those that were learned.

    Parameters
    ----------
    learned, shown : arrays or tensors of shape (n, ...)
        Of one type.
    """
    known = {_digest(example) for example in np.asarray(learned)}
    return sum(_digest(example) in known for example in np.asarray(shown))


def _digest(example: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(example).tobytes(), digest_size=16).digest()


def seen_before(learned: Any, validation: Any, test: Any, what: str = "image") -> list[str]:
    """A sentence for test, and one for validation examples that are training examples, if any are.

    Parameters
    ----------
    learned, validation, test : arrays or tensors of shape (n, ...)
        Of one type; None where there are none.
    what : str
        What one of them is called.
    """
    sentences = []
    for part, shown in (("test", test), ("validation", validation)):
        count = 0 if shown is None else n_seen(learned, shown)
        if count:
            are = f"are training {what}s too" if count > 1 else f"is a training {what} too"
            sentences.append(
                f"{count:,} of {len(shown):,} {part} {what}s {are} (the same content), so that"
                f" {part} accuracy is partly one of memory"
            )
    return sentences
