"""How many there are of something, in a sentence: "1 trial", "1,200 trials"."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """A number and what is counted.

    Parameters
    ----------
    number : int
    one : str
        What is counted, where it is one.
    several : str, optional
        The same where there are none or several; `one` with an s, if absent.
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"
