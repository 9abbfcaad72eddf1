"""What users give functions: paths and numbers, refused in a sentence where they are none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError


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
        raise SpikelearnError(f"{what} is named by a name or a path, found {given!r:.60}")
    return Path(given)


def is_number(given: Any) -> bool:
    """Whether it is a number of Python or NumPy, and not true or false."""
    number = isinstance(given, int | float | np.integer | np.floating)
    return number and not isinstance(given, bool)


def is_whole(given: Any) -> bool:
    """Whether it is a whole number of Python or NumPy, and not true or false."""
    return isinstance(given, int | np.integer) and not isinstance(given, bool)


def check_numbers(**numbers: Any) -> None:
    """Refuse what is no number; what a number must be is told where it is used.

    Raises
    ------
    SpikelearnError
        Naming the first.
    """
    for name, given in numbers.items():
        if not is_number(given):
            raise SpikelearnError(f"{name} must be a number, found {given!r:.60}")
