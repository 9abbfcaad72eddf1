"""Fields of a network's description: one value, one for each neuron, or drawn.

The named distributions of weights, delays and initial potentials are drawn outside every backend.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    model_validator,
)

from spikelearn._description import Description, require_numbers
from spikelearn._errors import SpikelearnError

_ROUNDS = 100  # a value outside the limits is drawn again, so often at most
_BLOCK = 2**15  # values that are drawn, looked at and converted while they are in the cache
_Convert = Callable[[np.ndarray], np.ndarray]


class AnyDistribution(Description):
    """What the named distributions have in common."""

    def draw(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """`count` values, in the unit of the field they are for."""
        return self.draw_as(count, generator, np.float64, lambda values: values)

    def draw_as(
        self, count: int, generator: np.random.Generator, dtype: Any, convert: _Convert
    ) -> np.ndarray:
        """The same values, each converted as soon as it is drawn, so that few are there in full.

        Parameters
        ----------
        count : int
        generator : numpy.random.Generator
        dtype : dtype
            Of the array that is given back.
        convert : callable
            What becomes of some of the values, an array of float64.
        """
        values = np.empty(count, dtype)
        for start in range(0, count, _BLOCK):
            part = values[start : start + _BLOCK]
            part[:] = convert(self._plain(part.size, generator))
        return values

    def _plain(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Values as they come, whatever the limits; those of two calls as those of one."""
        raise NotImplementedError

    @property
    def expected(self) -> float:
        """Mean of the values."""
        raise NotImplementedError

    @property
    def least(self) -> float:
        """No value is smaller."""
        return -np.inf

    def times(self, factor: float) -> Self:
        """The distribution of the values times a positive factor."""
        # All that the distributions are told by, limits included, is in the unit of the values.
        numbers = {n: v for n, v in dict(self).items() if isinstance(v, float)}
        return type(self)(**{**dict(self), **{n: v * factor for n, v in numbers.items()}})


class _Limited(AnyDistribution):
    low: float | None = Field(default=None, description="values below are drawn again")
    high: float | None = Field(default=None, description="values above are drawn again")

    def draw_as(
        self, count: int, generator: np.random.Generator, dtype: Any, convert: _Convert
    ) -> np.ndarray:
        """As above; what falls outside the limits is drawn again after all others."""
        if self.low is None and self.high is None:
            return super().draw_as(count, generator, dtype, convert)
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        values, outside = np.empty(count, dtype), [np.zeros(0, dtype=np.int64)]
        for start in range(0, count, _BLOCK):
            part = values[start : start + _BLOCK]
            drawn = self._plain(part.size, generator)
            part[:] = convert(drawn)
            outside.append(np.flatnonzero((drawn < low) | (drawn > high)) + start)
        places = np.concatenate(outside)
        for _ in range(_ROUNDS):
            if not places.size:
                return values
            drawn = self._plain(places.size, generator)
            values[places] = convert(np.clip(drawn, low, high))
            places = places[(drawn < low) | (drawn > high)]
        return values

    @property
    def least(self) -> float:
        """No value is smaller."""
        return -np.inf if self.low is None else self.low


class Uniform(AnyDistribution):
    """Uniform between two bounds."""

    distribution: Literal["uniform"] = "uniform"
    low: float
    high: float

    @model_validator(mode="after")
    def _check(self) -> Uniform:
        if self.low > self.high:
            raise ValueError(f"low must not lie above high, found {self.low:g} and {self.high:g}")
        return self

    def _plain(self, count: int, generator: np.random.Generator) -> np.ndarray:
        return generator.uniform(self.low, self.high, count)

    @property
    def least(self) -> float:
        """No value is smaller."""
        return self.low

    @property
    def expected(self) -> float:
        """Mean of the values."""
        return (self.low + self.high) / 2


class Normal(_Limited):
    """Normal; between `low` and `high` where given, by drawing again what falls outside."""

    distribution: Literal["normal"] = "normal"
    mean: float
    sd: float = Field(ge=0)

    @model_validator(mode="after")
    def _check(self) -> Normal:
        low = self.mean - 6 * self.sd if self.low is None else self.low
        high = self.mean + 6 * self.sd if self.high is None else self.high
        if low > high or high < self.mean - 6 * self.sd or low > self.mean + 6 * self.sd:
            raise ValueError(
                f"low and high leave nothing of a normal distribution of mean {self.mean:g} and"
                f" standard deviation {self.sd:g}"
            )
        return self

    def _plain(self, count: int, generator: np.random.Generator) -> np.ndarray:
        return generator.normal(self.mean, self.sd, count)

    @property
    def expected(self) -> float:
        """Mean of the values."""
        from scipy.stats import truncnorm

        if not self.sd:
            return self.mean
        low = -np.inf if self.low is None else (self.low - self.mean) / self.sd
        high = np.inf if self.high is None else (self.high - self.mean) / self.sd
        return float(truncnorm.mean(low, high, self.mean, self.sd))


class Lognormal(AnyDistribution):
    """Log-normal, of this mean and standard deviation (of the values, not of their logarithms).

    A negative mean gives negative values.
    """

    distribution: Literal["lognormal"] = "lognormal"
    mean: float
    sd: float = Field(ge=0)

    @model_validator(mode="after")
    def _check(self) -> Lognormal:
        if self.mean == 0:
            raise ValueError("the mean of a log-normal distribution cannot be 0")
        return self

    def _plain(self, count: int, generator: np.random.Generator) -> np.ndarray:
        variance = np.log1p((self.sd / self.mean) ** 2)
        location = np.log(abs(self.mean)) - variance / 2
        return np.sign(self.mean) * generator.lognormal(location, np.sqrt(variance), count)

    @property
    def expected(self) -> float:
        """Mean of the values."""
        return self.mean


class Exponential(AnyDistribution):
    """Exponential, shifted by `low`; `mean` is the mean of the values."""

    distribution: Literal["exponential"] = "exponential"
    mean: float
    low: float = 0.0

    @model_validator(mode="after")
    def _check(self) -> Exponential:
        if self.mean <= self.low:
            raise ValueError(f"mean must lie above low, found {self.mean:g} and {self.low:g}")
        return self

    def _plain(self, count: int, generator: np.random.Generator) -> np.ndarray:
        return self.low + generator.exponential(self.mean - self.low, count)

    @property
    def least(self) -> float:
        """No value is smaller."""
        return self.low

    @property
    def expected(self) -> float:
        """Mean of the values."""
        return self.mean


Distribution = Annotated[
    Uniform | Normal | Lognormal | Exponential, Field(discriminator="distribution")
]


def _to_array(value: Any) -> Any:
    if not isinstance(value, list | tuple | np.ndarray):
        return value
    require_numbers(value)
    return np.asarray(value, dtype=np.float64) if isinstance(value, list | tuple) else value


def _to_plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


_Array = Annotated[np.ndarray, BeforeValidator(_to_array), PlainSerializer(_to_plain)]


# Which alternative of a union a value is meant to be, so that only its mistakes are told.
def _number_or_array(value: Any) -> str:
    return "array" if isinstance(value, list | tuple | np.ndarray) else "number"


def _kind_of_value(value: Any) -> str:
    return "distribution" if isinstance(value, dict | Description) else _number_or_array(value)


PerNeuron = Annotated[
    Annotated[float, Tag("number")] | Annotated[_Array, Tag("array")],
    Discriminator(_number_or_array),
    PlainSerializer(_to_plain),  # a number of NumPy's too, which a copy may have been given
]
"""One value for all neurons, or one each."""

Drawn = Annotated[
    Annotated[float, Tag("number")]
    | Annotated[Distribution, Tag("distribution")]
    | Annotated[_Array, Tag("array")],
    Discriminator(_kind_of_value),
]
"""One value for all, one each, or drawn from a distribution."""


def with_arrays(content: Any, path: Path) -> Any:
    """What a YAML file says, with the arrays it names as `{file:, key:}` in their places."""
    projections = content.get("projections") if isinstance(content, dict) else None
    if not isinstance(projections, list):
        return content
    return {**content, "projections": [_projection_with_arrays(p, path) for p in projections]}


def _projection_with_arrays(projection: Any, path: Path) -> Any:
    if not isinstance(projection, dict):
        return projection
    fields = {}
    for name, value in projection.items():
        if name == "connectivity" and isinstance(value, dict):
            fields[name] = {key: _array(key, item, path) for key, item in value.items()}
        else:
            by_synapse = str(name).startswith("weight_") or name == "delay_ms"
            fields[name] = _array(name, value, path) if by_synapse else value
    return fields


def _array(name: str, value: Any, path: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    if not isinstance(value, dict) or "file" not in value:
        return value
    file = path.parent / str(value["file"])
    try:
        with safe_open(file, framework="numpy") as tensors:
            array: np.ndarray = tensors.get_tensor(str(value.get("key")))
    except (OSError, SafetensorError) as error:
        raise SpikelearnError(
            f"{path}: field '{name}' names tensor '{value.get('key')}' of {file},"
            f" which cannot be read ({error})"
        ) from error
    return array.astype(np.float64) if array.dtype.kind == "f" else array
