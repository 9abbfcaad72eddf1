"""How many there are of something, in a sentence: "1 trial", "1,200 trials"."""

from __future__ import annotations

from spikelearn._room import in_number


def counted(number: float, one: str, several: str = "") -> str:
    """A number and what is counted.

    Parameters
    ----------
    number : int or float
        A whole number, which may be of floating point, as of an estimate.
    one : str
        What is counted, where it is one.
    several : str, optional
        The same where there are none or several; `one` with an s, if absent.
    """
    return f"{in_number(number)} {one if number == 1 else several or one + 's'}"
