"""What users give functions: paths and numbers, refused in a sentence where they are none."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError

MOST_DIGITS = 300
"""Of a whole number that is read; longer ones are no numbers of anything, and beyond any float."""


def checked_path(what: str, given: Any) -> Path:
    """A path as it was given.

    Parameters
    ----------
    what : str
        Whose path it is, as "a file of spikes".
    given : str or Path

    Raises
    ------
    SpikelearnError
        Where it is none.
    """
    if not isinstance(given, str | os.PathLike) or isinstance(given, bytes):
        raise SpikelearnError(f"{what} is named by a name or a path, found {in_few(given)}")
    return Path(given)


def is_number(given: Any) -> bool:
    """Whether it is a number of Python or NumPy, and not true or false."""
    number = isinstance(given, int | float | np.integer | np.floating)
    return number and not isinstance(given, bool)


def is_whole(given: Any) -> bool:
    """Whether it is a whole number of Python or NumPy, and not true or false."""
    return isinstance(given, int | np.integer) and not isinstance(given, bool)


def too_long(given: Any) -> str:
    """What is wrong with a whole number that is longer than any that is read; else nothing."""
    if type(given) is not int or given.bit_length() <= _MOST_BITS:
        return ""
    digits = 1 + math.floor((given.bit_length() - 1) * math.log10(2))
    return f"a whole number of about {digits:,} digits; at most {MOST_DIGITS} are read"


_MOST_BITS = (10**MOST_DIGITS).bit_length() - 1


def in_few(given: Any, most: int = 60) -> str:
    """What was given, cut after so many characters, in a sentence that refuses it.

    Python itself writes no whole number of more than 4,300 digits.
    """
    if said := too_long(given):
        return said.partition(";")[0]
    try:
        return f"{given!r:.{most}}"
    except ValueError:  # of such numbers in a list
        return f"a {type(given).__name__} with whole numbers of too many digits"


def check_numbers(**numbers: Any) -> None:
    """Refuse what is no number, or too long a one; what one must be is told where it is used.

    Raises
    ------
    SpikelearnError
        Naming the first.
    """
    for name, given in numbers.items():
        if not is_number(given):
            raise SpikelearnError(f"{name} must be a number, found {in_few(given)}")
        if said := too_long(given):
            raise SpikelearnError(f"{name} is {said}")
