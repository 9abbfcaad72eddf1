"""Types of the fields of a network's description: one value, one each, or drawn."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, PlainSerializer, Tag

from spikelearn.networks.distributions import Distribution


class Description(BaseModel):
    """A frozen part of a network's description."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True
    )


def _to_array(value: Any) -> Any:
    return np.asarray(value, dtype=np.float64) if isinstance(value, list | tuple) else value


def _to_plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


_Array = Annotated[np.ndarray, BeforeValidator(_to_array), PlainSerializer(_to_plain)]


# Which alternative of a union a value is meant to be, so that only its mistakes are told.
def _number_or_array(value: Any) -> str:
    return "array" if isinstance(value, list | tuple | np.ndarray) else "number"


def _kind_of_value(value: Any) -> str:
    return "distribution" if isinstance(value, dict | BaseModel) else _number_or_array(value)


PerNeuron = Annotated[
    Annotated[float, Tag("number")] | Annotated[_Array, Tag("array")],
    Discriminator(_number_or_array),
]
"""One value for all neurons, or one each."""

Drawn = Annotated[
    Annotated[float, Tag("number")]
    | Annotated[Distribution, Tag("distribution")]
    | Annotated[_Array, Tag("array")],
    Discriminator(_kind_of_value),
]
"""One value for all, one each, or drawn from a distribution."""
