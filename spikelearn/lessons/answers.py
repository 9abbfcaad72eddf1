"""What students give as answers, read: numbers with and without units, choices, functions.

What cannot be read, or is not right, raises `Hint`, whose text is for the student.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from spikelearn._counts import counted

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*")
_COMMA = re.compile(r"\s*[+-]?\d+(?:,\d+)+.*", re.DOTALL)
_PREFIXES = (1e3, 1e6, 1e9, 1e12)
_SI = ("m", "kg", "s", "A", "K", "mol", "cd")
_OF_QUANTITIES = ("rescale", "in_best_unit", "m_as")  # of quantities and Neo, Brian2, pint


class Hint(Exception):
    """What is not right about an answer, in a sentence or two."""


class NotAnswered(Exception):
    """The three dots are still there."""


def is_open(given: Any) -> bool:
    """Whether an answer is what stood there before: three dots, alone or among others."""
    if given is ... or given is None or (isinstance(given, str) and not given.strip()):
        return True
    if isinstance(given, Mapping):
        return any(is_open(one) for one in given.values())
    if isinstance(given, list | tuple):
        return any(is_open(one) for one in given)
    return False


def numbers(given: Any, unit: str = "", n: int | None = None) -> np.ndarray:
    """Numbers in a unit, as a flat array.

    Parameters
    ----------
    given : number, text, sequence, array, Series or quantity
        What has a unit is converted; what has none is taken to be in `unit`.
    unit : str
        Such as "pA"; empty for what has none.
    n : int, optional
        How many are asked for.

    Raises
    ------
    Hint
        Where they are no finite numbers, of another unit, or not so many.
    """
    if callable(given) and not hasattr(given, "__array__"):
        raise Hint("A function was given; call it, and give what it returns.")
    if isinstance(given, Mapping):
        given = list(given.values())
    array = _array(given, unit)
    if array.dtype.kind not in "iuf":
        raise Hint(f"A number{_in(unit)} is asked for, found {given!r:.60}.")
    values = array.astype(float).ravel()
    if n is not None and len(values) != n:
        asked = "one number is" if n == 1 else f"{n} numbers are"
        raise Hint(f"{asked.capitalize()} asked for, found {len(values)}.")
    if not np.isfinite(values).all():
        raise Hint("It holds what is not a finite number (NaN or infinity).")
    return values


def number(given: Any, unit: str = "") -> float:
    """One number in a unit; see `numbers`."""
    return float(numbers(given, unit, 1)[0])


def count(given: Any, word: str) -> int:
    """How many there are of something; see `number`.

    Parameters
    ----------
    given : number, text, sequence or array
        Text may have the word behind the number: "5 spikes".
    word : str
        For one of what is counted: "spike".

    Raises
    ------
    Hint
        Where it is no whole number, or less than none.
    """
    if isinstance(given, list | tuple) and len(given) == 1:
        given = given[0]
    if isinstance(given, str):
        given = re.sub(rf"(?<=\d)\s*{word}s?\s*$", "", given, flags=re.IGNORECASE)
    n = number(given)
    if n != round(n):
        raise Hint(f"{word.capitalize()}s are counted in whole numbers, found {n:g}.")
    if n < 0:
        raise Hint(f"There cannot be fewer {word}s than none, found {n:g}.")
    return round(n)


def _in(unit: str) -> str:
    return f" in {unit}" if unit else ""


def _array(given: Any, unit: str) -> np.ndarray:
    """What is given as an array of its own type of numbers, in a unit."""
    if isinstance(given, str):
        return np.array(_of_text(given, unit))
    parts = isinstance(given, list | tuple) and any(map(_may_have_unit, given))
    plain = [_array(one, unit) for one in given] if parts else _without_unit(given, unit)
    if hasattr(plain, "detach"):  # torch
        plain = plain.detach().cpu().numpy()
    try:
        return np.asarray(plain)
    except ValueError:
        raise Hint("It is a list of lists of several lengths; give plain numbers.") from None


def _may_have_unit(given: Any) -> bool:
    """Whether it is a text or a quantity, or a list of such."""
    if isinstance(given, list | tuple):
        return any(map(_may_have_unit, given))
    return isinstance(given, str) or any(hasattr(given, name) for name in _OF_QUANTITIES)


def _without_unit(given: Any, unit: str) -> Any:
    """A quantity's number in a unit; what is no quantity as it is."""
    if hasattr(given, "rescale"):  # quantities, Neo
        return _rescaled(given, unit).magnitude
    if hasattr(given, "in_best_unit"):  # Brian2, which counts in SI units
        return _of_brian2(given, unit)
    if hasattr(given, "m_as"):  # pint
        try:
            return given.m_as(unit or "dimensionless")
        except Exception:
            raise Hint(f"It is in {given.units}; a number{_in(unit)} is asked for.") from None
    return given


def _of_brian2(given: Any, unit: str) -> np.ndarray:
    import quantities

    asked = quantities.Quantity(1.0, unit or "dimensionless").simplified
    powers = {one.symbol: power for one, power in asked.dimensionality.items()}
    if any(given.dim.get_dimension(one) != powers.get(one, 0) for one in _SI):
        wanted = _in(unit) or " without a unit"
        raise Hint(f"It is {given.in_best_unit()}; a number{wanted} is asked for.")
    return np.asarray(given) / float(asked.magnitude)


def _of_text(text: str, unit: str) -> float:
    """A number that is written with or without its unit."""
    import quantities

    text = text.replace("−", "-")  # the sign for minus
    if _COMMA.fullmatch(text):
        raise Hint(f"'{text[:60]}' has a comma: write a decimal point, and nothing at thousands.")
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Hint(f"'{text[:60]}' is no number{_in(unit)}.")
    value, written = float(found[1]), found[2].replace("µ", "u").replace("μ", "u")
    if not written:
        return value
    if written == "%" and not unit:
        return value / 100
    try:
        if not isinstance(quantities.unit_registry[written], quantities.Quantity):
            raise LookupError  # a number
        given = quantities.Quantity(value, written)
    except Exception:  # whatever a text that is no unit may do to the reader of units
        raise Hint(
            f"'{found[2]}' is no unit that is known here; give a number{_in(unit)}."
        ) from None
    return float(_rescaled(given, unit).magnitude)


def _rescaled(given: Any, unit: str) -> Any:
    try:
        return given.rescale(unit or "dimensionless")
    except ValueError:
        wanted = _in(unit) or " without a unit"
        raise Hint(f"It is in {given.dimensionality}; a number{wanted} is asked for.") from None


def choice(given: Any, words: Mapping[str, Iterable[str]]) -> str:
    """Which of several answers is meant.

    Parameters
    ----------
    given : str
    words : mapping of str to iterables of str
        Each answer, and other words for it; capitals, blanks and dashes do not count.

    Raises
    ------
    Hint
        Where it is none of them.
    """
    plain = {_plain(one): name for name, more in words.items() for one in (name, *more)}
    if not isinstance(given, str) or _plain(given) not in plain:
        names = [f'"{name}"' for name in words]
        raise Hint(f"Answer by {', '.join(names[:-1])} or {names[-1]}, found {given!r:.60}.")
    return plain[_plain(given)]


def _plain(text: str) -> str:
    return re.sub(r"[\s_\-'\"().]+", "", text).lower()


def values_of(function: Any, inputs: Sequence[Any], unit: str = "") -> np.ndarray:
    """What a student's function returns for each of some inputs: a number each.

    Parameters
    ----------
    function : callable
    inputs : sequence
        Of arguments, a tuple where there are several.
    unit : str
        Of what it returns.

    Raises
    ------
    Hint
        Where it is no function, raises, or returns no number; the text says for which input.
    """
    if not callable(function):
        raise Hint(f"A function is asked for, found {given_as(function)}.")
    found = []
    for one in inputs:
        arguments = one if isinstance(one, tuple) else (one,)
        _accepts(function, len(arguments))
        written = ", ".join(f"{value:g}" if _is_real(value) else "..." for value in arguments)
        try:
            result = function(*arguments)
        except Exception as error:
            raise Hint(
                f"Your function raises {type(error).__name__} for {written}: {error}."
            ) from None
        if is_open(result):
            raise NotAnswered
        try:
            found.append(number(result, unit))
        except Hint as hint:
            raise Hint(f"For {written} your function returns no such number. {hint}") from None
    return np.array(found)


def array_of(function: Any, given: str, *arguments: np.ndarray) -> np.ndarray:
    """What a student's function returns for arrays, as an array of numbers.

    Parameters
    ----------
    function : callable
    given : str
        What the arguments are, for the hint: "patterns of shape (6, 15)".
    *arguments : array
        Copies, which the function may change.

    Raises
    ------
    Hint
        Where it is no function, raises, or returns no numbers.
    """
    if not callable(function):
        raise Hint(f"A function is asked for, found {given_as(function)}.")
    _accepts(function, len(arguments))
    try:
        found = function(*(one.copy() for one in arguments))
    except Exception as error:
        raise Hint(f"For {given} your function raises {type(error).__name__}: {error}.") from None
    if is_open(found):
        raise NotAnswered
    array = _array(found, "")
    if array.dtype.kind not in "iuf":
        raise Hint(f"For {given} your function returns no numbers, found {found!r:.60}.")
    return array.astype(float)


def _accepts(function: Callable[..., Any], n: int) -> None:
    try:
        inspect.signature(function).bind(*[None] * n)
    except TypeError:
        raise Hint(f"Your function takes other than {counted(n, 'argument')}.") from None
    except ValueError:  # of one that does not tell
        return


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float | np.number)


def given_as(given: Any) -> str:
    """What an answer is, in a word or two."""
    return f"{given!r:.60}" if _is_real(given) else type(given).__name__


def require_close(
    found: Any,
    right: Any,
    why: str,
    within: float = 0.02,
    unit: str = "",
    at: Sequence[Any] | None = None,
    least: float = 0.0,
) -> None:
    """Refuse numbers that are not those that are right.

    Parameters
    ----------
    found, right : float or array of shape (n,)
    why : str
        What the hint says besides "too large", such as which formula helps.
    within : float
        How far it may be off, as a share of what is right.
    unit : str
        Of the numbers.
    at : sequence, optional
        For which input each number is; the hint names the first that is wrong.
    least : float
        How far it may be off anyway, in the unit.

    Raises
    ------
    Hint
        That says how the first wrong number differs: sign, power of a thousand, per cent, size.
    """
    mine, true = np.atleast_1d(np.asarray(found, float)), np.atleast_1d(np.asarray(right, float))
    wrong = np.abs(mine - true) > np.maximum(within * np.abs(true), least) + 1e-12
    if not wrong.any():
        return
    first = int(np.flatnonzero(wrong)[0])
    given, wanted = float(mine[first]), float(true[first])
    place = f" for {at[first]}" if at is not None else ""
    raise Hint(f"{_difference(given, wanted, within, unit)}{place}. {why}")


def _difference(given: float, wanted: float, within: float, unit: str) -> str:
    """How a number differs from the right one, without telling that."""

    def close(a: float, b: float) -> bool:
        return math.isclose(a, b, rel_tol=max(within, 1e-9))

    said = f"{given:.4g}{' ' * bool(unit)}{unit}"
    if wanted and close(given, -wanted):
        return f"{said} has the wrong sign"
    if wanted and given:
        if any(close(given, wanted * k) or close(given, wanted / k) for k in _PREFIXES):
            return f"{said} is off by a power of a thousand: mind the unit{_in(unit)}"
        if close(given, wanted * 100) or close(given, wanted / 100):
            return f"{said} is off by a factor of 100: per cent, or a share?"
    return f"{said} is too {'large' if given > wanted else 'small'}"
