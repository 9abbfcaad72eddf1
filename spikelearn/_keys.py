"""Keys of results: a digest of all that decides a result, by which it is stored and found again.

Runs, scores, audits and compiled code are kept under such keys. What is digested is a text whose
form is fixed, so that results stored by earlier releases keep their names: a configuration as JSON
with its fields in alphabetical order, files as their bytes one after another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def text_key(text: str, n_digits: int = 64) -> str:
    """The first hexadecimal digits of the SHA-256 of a text, of which there are 64."""
    return hashlib.sha256(text.encode()).hexdigest()[:n_digits]


def configuration_key(content: Any, n_digits: int) -> str:
    """The key of plain values: numbers, texts, and lists and dictionaries of them.

    Dictionaries that hold the same in another order have one key.
    """
    return text_key(json.dumps(content, sort_keys=True), n_digits)


def files_key(paths: Iterable[str | Path]) -> str:
    """The key of files by what stands in them, in the order given; names and dates do not count."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()
