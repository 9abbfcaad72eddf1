"""Errors a user can act on, and what is warned of without what computes it.

Every message is one sentence: what was wrong, where, and what would be right. The command line
prints it without a traceback and exits with status 1; Python users catch `SpikelearnError`.
"""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Which of the known names an unknown one was meant to be, or else which there are."""
    import difflib

    names = [str(one) for one in known]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    close += [n for n in names if len(name) > 1 and n.startswith(name) and n not in close][:2]
    if close:
        return f"did you mean {_either(close[:3])}?"
    if len(names) <= _MOST_NAMES:
        return f"there are {', '.join(names)}" if names else "there are none"
    some = difflib.get_close_matches(name, names, n=3, cutoff=0.0)
    return f"there are {len(names)}, the nearest of which are {', '.join(some)}"


# As many as can be taken in at a glance.
_MOST_NAMES = 16


def _either(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


class SpikelearnError(ValueError):
    """Input that cannot be used; the message says what would be right.

    Examples
    --------
    >>> import spikelearn as sl
    >>> try:
    ...     sl.load_model("brunel")
    ... except sl.SpikelearnError as error:
    ...     print("brunel2000" in str(error))
    True
    """


class DataUnavailableError(SpikelearnError):
    """A data set is neither at hand nor downloadable; the message says where to put it.

    Examples
    --------
    >>> import spikelearn as sl
    >>> try:
    ...     raise sl.DataUnavailableError("the recording is not at hand; put it into data/")
    ... except sl.SpikelearnError as error:
    ...     print(error)
    the recording is not at hand; put it into data/
    """


class UnsupportedFeatureError(SpikelearnError):
    """A backend cannot do what a network asks for; the message names those that can.

    Examples
    --------
    >>> import spikelearn as sl
    >>> cell = sl.load_model("hodgkin_huxley1952")
    >>> try:
    ...     sl.simulate(cell, duration_ms=10, backend="snntorch")
    ... except sl.UnsupportedFeatureError as error:
    ...     print("native" in str(error))
    True
    """


class TrainingWarning(UserWarning):
    """A network is in a state in which it hardly learns; the message says what may help."""


class WithoutEffectWarning(UserWarning):
    """Something in a description changes nothing; the message says what would."""
