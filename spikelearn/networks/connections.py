"""Drawn synapses: which neurons they join, and their weights."""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Connections:
    """Drawn synapses: arrays of shape (n_synapses,); `weight` in the unit of the projection's.

    `delay_ms` holds delays that the projection gives synapse by synapse, and None otherwise.
    """

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    n_source: int
    n_target: int
    delay_ms: np.ndarray | None = None
    # Whether they are known to be all pairs but those of one index, without a look at them.
    all_others: ClassVar[bool] = False

    @property
    def n_synapses(self) -> int:
        """How many there are."""
        return int(self.weight.size)

    @functools.cached_property
    def same_weight(self) -> float | None:
        """The weight of all synapses, where they share one."""
        once = self.weights_once()
        return float(once[0]) if once.size and (once == once[0]).all() else None

    def weights_once(self) -> np.ndarray:
        """The weights; where one number stands for all in memory, that alone."""
        return self.weight[:1] if self.weight.strides == (0,) else self.weight

    def times(self, gain: np.ndarray | float) -> Connections:
        """The same synapses with their weights times a number, or times one of their target's."""
        if np.ndim(gain):
            return self.with_weight(_times(self.weight, np.asarray(gain)[self.post]))
        once = _times(self.weights_once(), gain)
        if once.size < self.weight.size:
            once = np.broadcast_to(once, self.weight.shape)
        return self.with_weight(once)

    def dense(self) -> np.ndarray:
        """Weights as an array of shape (n_source, n_target), zero where there is no synapse."""
        places = self.pre.astype(np.int64) * self.n_target + self.post
        sums = np.bincount(places, self.weight, minlength=self.n_source * self.n_target)
        return sums.reshape(self.n_source, self.n_target)

    def with_weight(self, weight: np.ndarray) -> Connections:
        """The same pairs with other weights; what is known of the pairs is not looked up again."""
        reweighted = dataclasses.replace(self, weight=weight)
        if "full" in self.__dict__:
            reweighted.__dict__["full"] = self.full
        return reweighted

    @functools.cached_property
    def full(self) -> bool:
        """Whether the synapses are all pairs, each once, in order."""
        shape = (self.n_source, self.n_target)
        if self.pre.size != self.n_source * self.n_target:
            return False
        rows = self.pre.reshape(shape) == np.arange(self.n_source)[:, None]
        return bool(rows.all() and (self.post.reshape(shape) == np.arange(self.n_target)).all())

    @property
    def density(self) -> float:
        """Fraction of possible synapses that exist."""
        return self.n_synapses / (self.n_source * self.n_target)


def _times(weight: np.ndarray, gain: np.ndarray | float) -> np.ndarray:
    """A product in as many bits as the weights have, rounded from one in 64."""
    made = np.empty(weight.shape, weight.dtype)
    return np.multiply(weight, gain, out=made, dtype=np.float64, casting="same_kind")


class AllPairs(Connections):
    """Synapses of all pairs, each once, in order: their ends are listed only where they are read.

    Parameters
    ----------
    weight : array of shape (n_source * n_target,)
        May be one number that is broadcast.
    n_source, n_target : int
    delay_ms : array of shape (n_source * n_target,), optional
    """

    def __init__(
        self, weight: np.ndarray, n_source: int, n_target: int, delay_ms: np.ndarray | None = None
    ) -> None:
        # What cannot be assigned to cannot be set otherwise.
        self.__dict__.update(
            weight=weight, n_source=n_source, n_target=n_target, delay_ms=delay_ms, full=True
        )

    @functools.cached_property
    def pre(self) -> np.ndarray:
        """Source neuron of each synapse."""
        return np.repeat(np.arange(self.n_source, dtype=np.int32), self.n_target)

    @functools.cached_property
    def post(self) -> np.ndarray:
        """Target neuron of each synapse."""
        return np.tile(np.arange(self.n_target, dtype=np.int32), self.n_source)

    def matrix(self) -> np.ndarray:
        """Weights as they are, of shape (n_source, n_target)."""
        return self.weight.reshape(self.n_source, self.n_target)

    def with_weight(self, weight: np.ndarray) -> AllPairs:
        """The same pairs with other weights."""
        return AllPairs(weight, self.n_source, self.n_target, self.delay_ms)

    def times(self, gain: np.ndarray | float) -> Connections:
        """The same synapses with their weights times a number, or times one of their target's."""
        if np.ndim(gain):
            return self.with_weight(_times(self.matrix(), gain).ravel())
        return super().times(gain)

    def dense(self) -> np.ndarray:
        """Weights as a new array of shape (n_source, n_target)."""
        return self.matrix().astype(np.float64)


class AllOthers(Connections):
    """Synapses of all pairs but those of one index, each once, in order: ends are not listed.

    From each neuron to all others of its population, or to all but its partner in another one.

    Parameters
    ----------
    weight : array of shape (size * (size - 1),)
        May be one number that is broadcast.
    size : int
        Of both populations.
    delay_ms : array of shape (size * (size - 1),), optional
    """

    all_others = True

    def __init__(self, weight: np.ndarray, size: int, delay_ms: np.ndarray | None = None) -> None:
        # What cannot be assigned to cannot be set otherwise.
        self.__dict__.update(
            weight=weight, n_source=size, n_target=size, delay_ms=delay_ms, full=False
        )

    @functools.cached_property
    def pre(self) -> np.ndarray:
        """Source neuron of each synapse."""
        return np.repeat(np.arange(self.n_source, dtype=np.int32), self.n_target - 1)

    @functools.cached_property
    def post(self) -> np.ndarray:
        """Target neuron of each synapse."""
        return others(np.tile(np.arange(self.n_target, dtype=np.int32), self.n_source)).copy()

    def with_weight(self, weight: np.ndarray) -> AllOthers:
        """The same pairs with other weights."""
        return AllOthers(weight, self.n_source, self.delay_ms)

    def dense(self) -> np.ndarray:
        """Weights as a new array of shape (n_source, n_target), zero between those of one index."""
        matrix = np.zeros(self.n_source * self.n_target)
        _off_diagonal(matrix)[:] = self.weight.reshape(-1, self.n_target)
        return matrix.reshape(self.n_source, self.n_target)


def others(values: np.ndarray) -> np.ndarray:
    """Of numbers of all pairs, in order, those whose indices differ.

    Parameters
    ----------
    values : array of shape (size * size,)

    Returns
    -------
    array of shape (size * (size - 1),)
    """
    return _off_diagonal(values).reshape(-1)


def _off_diagonal(values: np.ndarray) -> np.ndarray:
    """A view of shape (size - 1, size): between two entries of a diagonal there are as many."""
    size = math.isqrt(values.size)
    return values[1:].reshape(size - 1, size + 1)[:, :-1]
