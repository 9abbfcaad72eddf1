"""Who is connected to whom, and how strongly: drawn here, outside every backend.

All draws pass through an explicit generator, so that one seed gives the same connectivity and
weights on every backend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spikelearn._errors import SpikelearnError


class _Description(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AllToAll(_Description):
    """Every source neuron to every target neuron."""

    kind: Literal["all_to_all"] = "all_to_all"
    allow_self: bool = Field(default=True, description="whether a neuron connects to itself")

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        pre, post = np.divmod(np.arange(n_source * n_target), n_target)
        return (pre, post)


class OneToOne(_Description):
    """Neuron i to neuron i."""

    kind: Literal["one_to_one"]
    allow_self: bool = True

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        if n_source != n_target:
            raise SpikelearnError(
                f"one-to-one connectivity needs populations of one size, found {n_source} and"
                f" {n_target} neurons"
            )
        return np.arange(n_source), np.arange(n_target)


class FixedProbability(_Description):
    """Each pair independently with the same probability."""

    kind: Literal["fixed_probability"]
    probability: float = Field(ge=0, le=1)
    allow_self: bool = True

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        # Row by row, so that memory stays at one row whatever the size.
        rows = [
            np.flatnonzero(generator.random(n_target) < self.probability) for _ in range(n_source)
        ]
        pre = np.repeat(np.arange(n_source), [row.size for row in rows])
        return pre, np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)


class FixedInDegree(_Description):
    """Each target neuron receives from the same number of distinct, randomly chosen sources."""

    kind: Literal["fixed_in_degree"]
    in_degree: int = Field(ge=1)
    allow_self: bool = True

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        if self.in_degree > n_source - (not self.allow_self):
            raise SpikelearnError(
                f"an in-degree of {self.in_degree} needs at least as many source neurons, found"
                f" {n_source}"
            )
        pre = np.empty((n_target, self.in_degree), dtype=np.int64)
        for target in range(n_target):
            if self.allow_self:
                pre[target] = generator.choice(
                    n_source, self.in_degree, replace=False, shuffle=False
                )
            else:
                chosen = generator.choice(
                    n_source - 1, self.in_degree, replace=False, shuffle=False
                )
                pre[target] = chosen + (chosen >= target)
        return pre.ravel(), np.repeat(np.arange(n_target), self.in_degree)


Connectivity = Annotated[
    AllToAll | OneToOne | FixedProbability | FixedInDegree, Field(discriminator="kind")
]
_Pairs = tuple[np.ndarray, np.ndarray]


class UniformWeights(_Description):
    """Weights (or initial potentials) drawn uniformly between two bounds, in mV."""

    distribution: Literal["uniform"]
    low: float
    high: float

    @model_validator(mode="after")
    def _check(self) -> UniformWeights:
        if self.low > self.high:
            raise ValueError(f"low must not lie above high, found {self.low:g} and {self.high:g}")
        return self

    def draw(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """`count` weights in mV."""
        return generator.uniform(self.low, self.high, count)


class NormalWeights(_Description):
    """Weights (or initial potentials) drawn from a normal distribution, in mV."""

    distribution: Literal["normal"]
    mean: float
    sd: float = Field(ge=0)

    def draw(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """`count` weights in mV."""
        return generator.normal(self.mean, self.sd, count)


WeightDistribution = Annotated[UniformWeights | NormalWeights, Field(discriminator="distribution")]


@dataclass(frozen=True)
class Connections:
    """Drawn synapses: arrays of shape (n_synapses,); `weight_mv` in mV."""

    pre: np.ndarray
    post: np.ndarray
    weight_mv: np.ndarray
    n_source: int
    n_target: int

    def dense(self) -> np.ndarray:
        """Weights as an array of shape (n_source, n_target), zero where there is no synapse."""
        matrix = np.zeros((self.n_source, self.n_target))
        np.add.at(matrix, (self.pre, self.post), self.weight_mv)
        return matrix

    @property
    def density(self) -> float:
        """Fraction of possible synapses that exist."""
        return self.pre.size / (self.n_source * self.n_target)
