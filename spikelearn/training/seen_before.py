"""Examples that test what learned or was chosen by them: the same content, bit by bit."""

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
    """Sentences on test and validation examples that are not new to what they test, if any are.

    Of training examples among the test and the validation examples, and of test examples among
    those by which the epoch is chosen.

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
    if validation is not None and test is not None and (count := n_seen(test, validation)):
        are = f"are test {what}s too" if count > 1 else f"is a test {what} too"
        sentences.append(
            f"{count:,} of {len(validation):,} validation {what}s {are} (the same content), so that"
            " test accuracy is partly that of a choice by it"
        )
    return sentences
