"""Axes of a sweep: paths in a description, and the values that stand there one after another.

Values are a list, or a text that says them:

    0.1, 0.2, 0.5            what stands between commas, read as YAML
    -0.3:-0.8:11             first, last and how many, evenly spaced
    1:1000:4:log             the same evenly spaced in their logarithms: 1, 10, 100, 1000
    uniform(0, 1):20         drawn: loguniform(low, high), normal(mean, sd), lognormal(mean, sd),
                             exponential(mean) and integers(low, high) likewise

A search (`spikelearn.sweeps.search`) draws values itself, and takes these without a number:

    0.1:0.5                  uniformly between the two, as uniform(0.1, 0.5)
    1e-4:1e-1:log            evenly in their logarithms, as loguniform(1e-4, 1e-1)
    integers(16, 256)        whole numbers, both included

Evenly spaced values are those that their decimals say, so that -0.35 of a range is the -0.35 of a
list; logarithmic and drawn ones are rounded to 12 digits. Paths are those of `changed(path, value)`
(`spikelearn._paths`). Paths that vary together are one axis.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, field_validator, model_validator

from spikelearn._description import Description
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._keys import plain
from spikelearn._paths import between_commas
from spikelearn._seeding import generator
from spikelearn._yaml import parse_yaml

MOST_VALUES = 1_000_000  # of an axis
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*:\s*(\d+)\s*(?::\s*(\w+)\s*)?")
_DRAWN = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*:\s*(\d+)\s*")
_OPEN_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*([a-z]\w*)\s*)?")
_OPEN_DRAW = re.compile(r"\s*(\w+)\s*\(([^()]*)\)\s*")
_DIGITS = 12
# As a path, values and an axis may look, for messages.
_PATH = "populations.excitatory.tau_m_ms"
_VALUES = "a list of values, or a text that says them ('10, 20' or '0:1:11'),"
_AXIS = "{path: ..., values: ...}"


class Varied(Description):
    """A path with its values.

    `name` is that of the column in the table, the path itself if absent.
    """

    field_words: ClassVar[Mapping[str, str]] = {
        "path": f"a path is needed, such as {_PATH}",
        "values": f"{_VALUES} is needed",
        "name": "text is needed, which the column is called",
    }

    path: str = Field(min_length=1)
    values: str | tuple[Any, ...]
    name: str | None = Field(default=None, min_length=1)

    @field_validator("path", mode="before")
    @classmethod
    def _a_text(cls, given: Any) -> Any:
        if not isinstance(given, str):
            raise ValueError(f"a path is text, such as {_PATH}")
        return given

    @field_validator("values", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        if not isinstance(given, str | Sequence | np.ndarray):
            raise ValueError(f"{_VALUES} is needed")
        return given

    @field_validator("values")
    @classmethod
    def _readable(cls, values: str | tuple[Any, ...]) -> str | tuple[Any, ...]:
        if isinstance(values, str) and range_of(values) is not None:
            return values
        read = values_of(values, 0, "")
        for value in read:
            try:
                plain(value)
            except TypeError as error:
                raise ValueError(str(error)) from error
        if not read:
            raise ValueError("at least 1 value is needed, found none")
        return values

    @property
    def column(self) -> str:
        """Its name in the table."""
        return self.path if self.name is None else self.name


class Together(Description):
    """Paths that vary together: the first value of one with the first of the others, and so on."""

    together: tuple[Varied, ...]

    @field_validator("together", mode="before")
    @classmethod
    def _paths_with_values(cls, given: Any) -> Any:
        if not isinstance(given, list | tuple) or len(given) < 2:
            raise ValueError(f"a list of at least 2 axes is needed, each {_AXIS}")
        return [_axis_given(one, Varied) for one in given]

    @model_validator(mode="after")
    def _equally_many(self) -> Together:
        numbers = {one.path: len(values_of(one.values, 0, one.path)) for one in self.together}
        if len(set(numbers.values())) > 1:
            each = ", ".join(f"{path} has {n}" for path, n in numbers.items())
            raise ValueError(f"paths that vary together need equally many values; {each}")
        return self


@dataclass(frozen=True)
class Range:
    """A range from which a search draws.

    Attributes
    ----------
    kind : str
        uniform, loguniform or integers.
    low, high : float
    """

    kind: str
    low: float
    high: float

    def value(self, drawn: float) -> int | float:
        """What was drawn, as it stands in a description."""
        return int(drawn) if self.kind == "integers" else rounded_value(drawn)


class Axis:
    """An axis with its values, drawn where they are random.

    Attributes
    ----------
    paths, columns : tuple of str
        Several where they vary together.
    values : list of tuple
        At each of its places, a value for each path.
    range : Range or None
        From which a search draws; there are no values then.
    """

    def __init__(self, described: Varied | Together, seed: int, sought: bool = False) -> None:
        parts = described.together if isinstance(described, Together) else (described,)
        is_alone = len(parts) == 1
        alone = parts[0].values if is_alone else None
        self.range = range_of(alone) if sought and isinstance(alone, str) else None
        self.paths = tuple(part.path for part in parts)
        self.columns = tuple(part.column for part in parts)
        self.values: list[tuple[Any, ...]] = []
        if self.range is None:
            each = (values_of(part.values, seed, part.path, once=is_alone) for part in parts)
            self.values = list(zip(*each, strict=True))

    def __len__(self) -> int:
        return len(self.values)

    def changes(self, place: int) -> dict[str, Any]:
        """What differs at one of its places, by path."""
        return dict(zip(self.paths, self.values[place], strict=True))


def _axis_given(given: Any, *kinds: type[Description]) -> Any:
    """What is to become one of the kinds of axes, if it can."""
    if not isinstance(given, (Mapping, *kinds)):
        raise ValueError(f"an axis is {_AXIS}, and not {given!r:.60}")
    return given


def axes_given(given: Any) -> list[Any]:
    """The axes that a user gives: by their paths, or in a list, each with its path.

    Parameters
    ----------
    given : mapping from paths to values, or list of axes

    Raises
    ------
    ValueError
        Where it is neither.
    """
    if isinstance(given, Mapping):
        return [{"path": path, "values": values} for path, values in given.items()]
    if not isinstance(given, list | tuple):
        raise ValueError(
            f"paths with their values are needed, as {{{_PATH}: [10, 20]}}, or a list of axes, each"
            f" {_AXIS}; where nothing varies it is left out"
        )
    return [_axis_given(one, Varied, Together) for one in given]


def places(axes: Sequence[Axis]) -> Iterator[tuple[int, ...]]:
    """The places of a grid of axes, the last of which varies fastest."""
    return itertools.product(*(range(len(axis)) for axis in axes))


def changes_at(axes: Sequence[Axis], place: Sequence[int]) -> dict[str, Any]:
    """What differs at a place of the grid, by path."""
    changed: dict[str, Any] = {}
    for axis, at in zip(axes, place, strict=True):
        changed |= axis.changes(at)
    return changed


def values_of(given: str | Sequence[Any], seed: int, path: str, once: bool = False) -> list[Any]:
    """The values that a list or a text says.

    Parameters
    ----------
    given : str or sequence
    seed : int
        Of those that are drawn.
    path : str
        Where they are to stand, for the stream of random numbers and for messages.
    once : bool
        Whether whole numbers are drawn without putting them back, as an axis needs them.

    Raises
    ------
    ValueError
        Where a text cannot be read.
    """
    if not isinstance(given, str):
        return list(given)
    if (match := _RANGE.fullmatch(given)) is not None:
        return _spaced(*match.groups())
    if (match := _DRAWN.fullmatch(given)) is not None and match[1] in _DRAWS:
        n, draw = _counted(match[3]), generator(seed, "axis", path)
        return _drawn(match[1], match[2], n, draw, once)
    if (match := _DRAWN.fullmatch(given)) is not None:
        raise ValueError(f"nothing is drawn by '{match[1]}'; {nearest(match[1], _DRAWS)}")
    if range_of(given) is not None:
        right = (
            f"draws are written with it, as {given.strip()}:20"
            if "(" in given
            else "a range is first:last:number, as 0:1:11, or first:last:number:log"
        )
        raise ValueError(
            f"vary: '{given}'{f' of {path}' if path else ''} says no number of values; {right}"
            " (only a search draws as many as it tries)"
        )
    if re.fullmatch(rf"\s*{_NUMBER}\s*:.*", given):
        raise ValueError(
            f"'{given}' is no range; one is first:last:number, as 0:1:11, or first:last:number:log"
        )
    return [_read(text, path) for text in _parts(given, path)]


def _parts(given: str, path: str) -> list[str]:
    """What stands between commas."""
    try:
        return between_commas(given)
    except SpikelearnError as error:
        raise ValueError(f"{f'values of {path}: ' if path else ''}{error}") from error


def range_of(given: str) -> Range | None:
    """The range that a text says without a number of values; None where it says something else.

    Raises
    ------
    ValueError
        Where its ends are none.
    """
    if (match := _OPEN_RANGE.fullmatch(given)) is not None:
        if match[3] not in (None, "log"):
            raise ValueError(f"a range is spaced evenly or by log, found '{match[3]}'")
        kind, low, high = "loguniform" if match[3] else "uniform", float(match[1]), float(match[2])
    elif (match := _OPEN_DRAW.fullmatch(given)) is not None and match[1] in _DRAWS:
        kind = match[1]
        if kind not in ("uniform", "loguniform", "integers"):
            raise ValueError(
                f"a search draws by uniform, loguniform and integers, not by {kind}; a list of"
                f" values is written with their number, as {given.strip()}:20"
            )
        low, high = _numbers(kind, match[2])
        _DRAWS[kind][0](generator(0), 1, low, high)  # refuses ends that are none
    else:
        return None
    if not low < high:
        raise ValueError(f"the first of a range must lie below its last, found '{given.strip()}'")
    if kind == "loguniform" and not low > 0:
        raise ValueError(f"a logarithmic range needs first and last above 0, found '{given}'")
    return Range(kind, low, high)


def _read(text: str, path: str) -> Any:
    try:
        return parse_yaml(text, f"a value of {path}" if path else "a value")
    except SpikelearnError as error:
        raise ValueError(str(error)) from error


def _counted(text: str) -> int:
    number = int(text) if len(text) < 20 else MOST_VALUES + 1
    if not 1 <= number <= MOST_VALUES:
        raise ValueError(f"an axis has 1 to {MOST_VALUES:,} values, found {text}")
    return number


def _spaced(first: str, last: str, number: str, kind: str | None) -> list[Any]:
    n = _counted(number)
    low, high = Fraction(first), Fraction(last)
    if kind not in (None, "log"):
        raise ValueError(f"a range is spaced evenly or by log, found '{kind}'")
    if n == 1 and low != high:
        raise ValueError(f"one value cannot be both {first} and {last}")
    if kind == "log":
        if not (low > 0 and high > 0):
            raise ValueError(
                f"a logarithmic range needs first and last above 0, found {first} and {last}"
            )
        return [
            _plain_number(Fraction(_rounded(v))) for v in np.geomspace(float(low), float(high), n)
        ]
    steps = max(n - 1, 1)
    return [_plain_number(low + (high - low) * i / steps) for i in range(n)]


def _rounded(value: float) -> str:
    return f"{value:.{_DIGITS}g}"


def _plain_number(value: Fraction) -> int | float:
    """A whole number as such: sizes are written so, and rates take it as well."""
    return int(value) if value.denominator == 1 else float(value)


def _two(name: str, low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"{name}: low must not lie above high, found {low:g} and {high:g}")


def _uniform(draw: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
    _two("uniform", low, high)
    return draw.uniform(low, high, n)


def _loguniform(draw: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
    _two("loguniform", low, high)
    if not low > 0:
        raise ValueError(f"loguniform: low must lie above 0, found {low:g}")
    return np.exp(draw.uniform(math.log(low), math.log(high), n))


def _normal(draw: np.random.Generator, n: int, mean: float, sd: float) -> np.ndarray:
    _spread("normal", sd)
    return draw.normal(mean, sd, n)


def _lognormal(draw: np.random.Generator, n: int, mean: float, sd: float) -> np.ndarray:
    _spread("lognormal", sd)
    if not mean > 0:
        raise ValueError(f"lognormal: mean must lie above 0, found {mean:g}")
    variance = math.log1p((sd / mean) ** 2)
    return draw.lognormal(math.log(mean) - variance / 2, math.sqrt(variance), n)


def _exponential(draw: np.random.Generator, n: int, mean: float) -> np.ndarray:
    if not mean > 0:
        raise ValueError(f"exponential: mean must lie above 0, found {mean:g}")
    return draw.exponential(mean, n)


def _integers(draw: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
    _two("integers", low, high)
    if not (low.is_integer() and high.is_integer()):
        raise ValueError(f"integers: low and high must be whole, found {low:g} and {high:g}")
    return draw.integers(int(low), int(high), n, endpoint=True)


def _spread(name: str, sd: float) -> None:
    if sd < 0:
        raise ValueError(f"{name}: sd must not be below 0, found {sd:g}")


# Name -> what draws, and its arguments.
_DRAWS: Mapping[str, tuple[Callable[..., np.ndarray], tuple[str, ...]]] = {
    "uniform": (_uniform, ("low", "high")),
    "loguniform": (_loguniform, ("low", "high")),
    "normal": (_normal, ("mean", "sd")),
    "lognormal": (_lognormal, ("mean", "sd")),
    "exponential": (_exponential, ("mean",)),
    "integers": (_integers, ("low", "high")),
}


def rounded_value(value: float) -> int | float:
    """What was drawn, in as many digits as a text of it is read back with."""
    return _plain_number(Fraction(_rounded(value)))


def _numbers(name: str, arguments: str) -> list[float]:
    names = _DRAWS[name][1]
    given = _parts(arguments, "")
    numbers = [float(text) for text in given if re.fullmatch(_NUMBER, text)]
    if len(numbers) < len(given) or len(numbers) != len(names):
        raise ValueError(
            f"{name} takes {' and '.join(names)}, as numbers, found '{arguments.strip()}'"
        )
    return numbers


def _drawn(name: str, arguments: str, n: int, draw: np.random.Generator, once: bool) -> list[Any]:
    function, numbers = _DRAWS[name][0], _numbers(name, arguments)
    drawn = function(draw, n, *numbers)
    if name != "integers" or not once:
        return [rounded_value(value) for value in drawn]
    low, high = numbers
    if n > high - low + 1:
        raise ValueError(
            f"integers({arguments.strip()}) has {high - low + 1:g} values, of which {n} cannot be"
            " drawn, each once"
        )
    # As whole numbers: in the digits of a text, large ones may be equal, however many are drawn.
    found = dict.fromkeys(drawn.tolist())
    while len(found) < n:
        found |= dict.fromkeys(function(draw, n, *numbers).tolist())
    return [rounded_value(value) for value in list(found)[:n]]
