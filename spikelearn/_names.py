"""Names of stimuli, units, subjects and sessions: their order, and which of them mean the same.

What stands beside something else is found by its name. Where something is drawn at random (folds,
resamples, noise), it is drawn in the order of names, so that no score depends on the order in which
a file happens to hold its stimuli and units.
"""

from __future__ import annotations

import re
from collections.abc import Sequence


def natural_key(name: object) -> tuple[list[tuple[int, int, str]], str]:
    """A key by which names sort as a person would sort them: 2 before 10.

    No two names are equal by it but those that are the same.
    """
    text = str(name)
    parts = re.split(r"(\d+)", text)
    key = [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]
    return key, text


def order_of_names(names: Sequence[object]) -> list[int]:
    """The places of the names when they are sorted; of equal ones, the first comes first."""
    return sorted(range(len(names)), key=lambda place: natural_key(names[place]))


def is_sorted(order: Sequence[int]) -> bool:
    """Whether an order of places leaves everything where it is."""
    return list(order) == list(range(len(order)))


def file_name(name: str) -> str:
    """What a file or folder may be called anywhere, after something of that name: never a path."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip(".")
    # Names of files end at 255 bytes almost everywhere, and suffixes are to come.
    return plain.encode()[:120].decode(errors="ignore") or "unnamed"


def is_file_name(name: str) -> bool:
    """Whether a file or folder may be called so: no path, not hidden, in one line."""
    usable = name.isprintable() and not set(name) & set('/\\:*?"<>|')
    return usable and bool(name.strip()) and not name.startswith(".") and len(name.encode()) <= 120


def repeated(names: Sequence[object]) -> str | None:
    """The first name that stands twice, if any does."""
    seen: set[str] = set()
    for name in map(str, names):
        if name in seen:
            return name
        seen.add(name)
    return None


def are_numbers(names: Sequence[object]) -> bool:
    """Whether names are only the numbers from 0 or 1 on, in any order."""
    texts = {str(name) for name in names}
    n = len(names)
    return any(texts == {str(i + first) for i in range(n)} for first in (0, 1))


def are_counted(names: Sequence[object]) -> bool:
    """Whether names are the numbers from 0 or 1 on in that very order, which name nobody."""
    texts = [str(name) for name in names]
    return any(texts == [str(i + first) for i in range(len(texts))] for first in (0, 1))


def plain_name(name: object) -> str:
    """A name as it is compared where writing differs: case, spaces, "01" and "1.0" for "1"."""
    text = re.sub(r"[\s_\-]+", "_", str(name).strip()).casefold()
    if re.fullmatch(r"[+-]?\d+(\.0*)?", text):
        return str(int(text.partition(".")[0]))
    return text


def alike(names: Sequence[object]) -> list[tuple[str, str]]:
    """Pairs of names that differ only in how they are written, as "V1" and "v1", "1" and "01"."""
    first: dict[str, str] = {}
    pairs = []
    for name in dict.fromkeys(map(str, names)):
        other = first.setdefault(plain_name(name), name)
        if other != name:
            pairs.append((other, name))
    return pairs


def written_name(value: object) -> str:
    """A name out of a file's column: text as it is, bytes decoded, whole numbers without ".0"."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    item = value.item() if hasattr(value, "item") else value
    if isinstance(item, float) and item.is_integer():
        return str(int(item))
    return str(item)
