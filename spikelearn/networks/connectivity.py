"""Who is connected to whom, and how strongly: drawn here, outside every backend.

All draws pass through an explicit generator, so that one seed gives the same connectivity and
weights on every backend. Whom a neuron may be kept from reaching is in `Projection.spares`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PositiveInt,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from spikelearn._counts import counted
from spikelearn._description import Description, require_numbers
from spikelearn._errors import SpikelearnError


class _Connectivity(Description):
    @model_serializer(mode="wrap")
    def _without_what_is_usual(self, write: SerializerFunctionWrapHandler) -> Any:
        """Fields as they are written, without those that say what is so anyway."""
        written = write(self)
        if isinstance(written, dict) and written.get("allow_partner") is True:
            del written["allow_partner"]
        return written

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs, two arrays of shape (n_synapses,).

        Where a number of synapses is to be drawn, none of them joins a pair of one index if
        `allow_self` is false; other kinds leave these pairs to be taken out (`draw_synapses`).

        Parameters
        ----------
        n_source, n_target : int
            Sizes of the populations.
        generator : numpy.random.Generator
            Draws what is random.

        Raises
        ------
        SpikelearnError
            Where the connectivity does not fit the sizes.
        """
        raise NotImplementedError

    def array_shape(self, n_source: int, n_target: int) -> tuple[int, ...] | None:
        """Shape of an array of weights or delays; None where the seed decides who is connected.

        Parameters
        ----------
        n_source, n_target : int
            Sizes of the populations.
        """
        return None


_AllowPartner = Annotated[
    bool,
    Field(
        description="whether a neuron connects to its partner, the neuron of the same number in"
        " another population of the same size"
    ),
]


def _indices(value: Any) -> np.ndarray:
    if isinstance(value, list | tuple):
        require_numbers(value)
    indices = np.asarray(value)
    if indices.ndim != 1 or (indices.size and indices.dtype.kind not in "iu"):
        raise ValueError("must be a list of whole numbers")
    if (indices < 0).any():
        raise ValueError(f"must not be negative, found {indices.min()}")
    return indices.astype(np.int64, copy=False)


_Indices = Annotated[
    np.ndarray, BeforeValidator(_indices), PlainSerializer(lambda value: value.tolist())
]


class AllToAll(_Connectivity):
    """Every source neuron to every target neuron."""

    kind: Literal["all_to_all"] = "all_to_all"
    allow_self: bool = Field(default=True, description="whether a neuron connects to itself")
    allow_partner: _AllowPartner = True

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        pre = np.repeat(np.arange(n_source), n_target)
        return pre, np.tile(np.arange(n_target), n_source)

    def array_shape(self, n_source: int, n_target: int) -> tuple[int, ...]:
        """A matrix."""
        return n_source, n_target

    def expected_number(self, n_source: int, n_target: int) -> float:
        """How many synapses are to be expected."""
        return n_source * n_target


class OneToOne(_Connectivity):
    """Neuron i to neuron i."""

    kind: Literal["one_to_one"] = "one_to_one"
    allow_self: bool = True

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        if n_source != n_target:
            raise SpikelearnError(
                f"one-to-one connectivity needs populations of one size, found {n_source} and"
                f" {counted(n_target, 'neuron')}"
            )
        return np.arange(n_source), np.arange(n_target)

    def array_shape(self, n_source: int, n_target: int) -> tuple[int, ...]:
        """One for each neuron."""
        return (n_source,)

    def expected_number(self, n_source: int, n_target: int) -> float:
        """How many synapses are to be expected."""
        return n_source


class Pairs(_Connectivity):
    """The pairs that are named: neuron pre[i] of the source to neuron post[i] of the target.

    A pair named twice has two synapses. Weights and delays are one for all, one for each pair, or
    drawn. In a YAML file the indices are lists, or `{file: weights.safetensors, key: KEY}`.
    """

    kind: Literal["pairs"] = "pairs"
    pre: _Indices
    post: _Indices
    allow_self: bool = True

    @model_validator(mode="after")
    def _check(self) -> Pairs:
        if self.pre.size != self.post.size:
            raise ValueError(
                f"pre and post must name as many neurons, found {self.pre.size} and"
                f" {self.post.size}"
            )
        return self

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        for end, neurons, size in (("pre", self.pre, n_source), ("post", self.post, n_target)):
            if neurons.size and neurons.max() >= size:
                raise SpikelearnError(
                    f"{end} names neuron {neurons.max()} of a population of {size} (the first is 0)"
                )
        return self.pre, self.post

    def array_shape(self, n_source: int, n_target: int) -> tuple[int, ...]:
        """One for each pair that is named."""
        return self.pre.shape

    def expected_number(self, n_source: int, n_target: int) -> float:
        """How many synapses are to be expected."""
        return self.pre.size


class FixedProbability(_Connectivity):
    """Each pair independently with the same probability."""

    kind: Literal["fixed_probability"] = "fixed_probability"
    probability: float = Field(ge=0, le=1)
    allow_self: bool = True
    allow_partner: _AllowPartner = True

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        # Row by row, so that memory stays at one row whatever the size.
        rows = [
            _narrow(np.flatnonzero(generator.random(n_target) < self.probability))
            for _ in range(n_source)
        ]
        return _narrow(np.arange(n_source)).repeat([row.size for row in rows]), _joined(rows)

    def expected_number(self, n_source: int, n_target: int) -> float:
        """How many synapses are to be expected."""
        return self.probability * n_source * n_target


def _narrow(numbers: np.ndarray) -> np.ndarray:
    """Numbers of neurons in half the memory."""
    return numbers.astype(np.int32)


def _joined(rows: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype=np.int32), *rows])


class FixedInDegree(_Connectivity):
    """Each target neuron receives from the same number of distinct, randomly chosen sources."""

    kind: Literal["fixed_in_degree"] = "fixed_in_degree"
    in_degree: int = Field(ge=1)
    allow_self: bool = True
    allow_partner: _AllowPartner = True

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        n_candidates = n_source - (not self.allow_self)
        if self.in_degree > n_candidates:
            raise SpikelearnError(
                f"an in-degree of {self.in_degree} needs at least as many source neurons, found"
                f" {n_source}{'' if self.allow_self else ', one of which is spared'}"
            )
        chunk = max(1, _FLAGS // n_candidates)
        parts = [
            _distinct(min(chunk, n_target - first), self.in_degree, n_candidates, generator)
            for first in range(0, n_target, chunk)
        ]
        pre = np.concatenate(parts)
        if not self.allow_self:
            pre += pre >= np.arange(n_target)[:, None]
        return pre.ravel(), _narrow(np.arange(n_target)).repeat(self.in_degree)

    def expected_number(self, n_source: int, n_target: int) -> float:
        """How many synapses are to be expected."""
        return self.in_degree * n_target


def _distinct(
    n_rows: int, count: int, n_candidates: int, generator: np.random.Generator
) -> np.ndarray:
    """In each row `count` distinct numbers below `n_candidates`, ascending; all sets as likely.

    What was drawn twice is drawn again until nothing is; no candidate is treated unlike another,
    so that no set is likelier than another. Where most are chosen, those left out are drawn.
    """
    few = min(count, n_candidates - count)
    chosen = np.zeros((n_rows, n_candidates), dtype=bool)
    missing = np.full(n_rows, few)
    while missing.any():
        rows = np.repeat(np.arange(n_rows), missing)
        chosen[rows, generator.integers(0, n_candidates, rows.size)] = True
        missing = few - chosen.sum(axis=1)
    kept = chosen if few == count else ~chosen
    return _narrow(np.nonzero(kept)[1]).reshape(n_rows, count)


class FixedTotalNumber(_Connectivity):
    """A number of synapses between randomly chosen pairs; a pair may be chosen more than once."""

    kind: Literal["fixed_total_number"] = "fixed_total_number"
    number: int = Field(ge=0)
    allow_self: bool = True
    allow_partner: _AllowPartner = True

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        n_candidates = n_source - (not self.allow_self)
        if self.number and not n_candidates:
            raise SpikelearnError(
                "between single neurons there is no other pair than the one that is to be spared"
            )
        post = generator.integers(0, n_target, self.number, dtype=np.int32)
        if not self.number:
            return post, post.copy()
        pre = generator.integers(0, n_candidates, self.number, dtype=np.int32)
        if not self.allow_self:
            pre += pre >= post
        return pre, post

    def expected_number(self, n_source: int, n_target: int) -> float:
        """How many synapses are to be expected."""
        return self.number


class DistanceDependent(_Connectivity):
    """Each pair independently, with a probability that falls with the distance of its neurons.

    The neurons of each population stand at equal intervals on a ring of circumference 1, or row
    by row on a square grid with side 1 whose opposite edges touch (a torus); where their number is
    no square, the last row has gaps. `scale` is the width of the profile on the same measure.
    """

    kind: Literal["distance_dependent"] = "distance_dependent"
    arrangement: Literal["ring", "grid"] = "ring"
    profile: Literal["gaussian", "exponential", "box"] = "gaussian"
    scale: float = Field(gt=0, description="standard deviation, decay length, or radius of the box")
    p_max: float = Field(default=1.0, ge=0, le=1, description="probability at distance 0")
    allow_self: bool = True
    allow_partner: _AllowPartner = True

    def probability(self, distance: np.ndarray) -> np.ndarray:
        """Probability of a connection at a distance."""
        x = distance / self.scale
        falls = {
            "gaussian": lambda: np.exp(-(x**2) / 2),
            "exponential": lambda: np.exp(-x),
            "box": lambda: (x <= 1).astype(float),
        }
        return self.p_max * falls[self.profile]()

    def positions(self, size: int) -> np.ndarray:
        """Positions of a population's neurons, array of shape (size, 1 or 2)."""
        if self.arrangement == "ring":
            return (np.arange(size) / size)[:, None]
        side = int(np.ceil(np.sqrt(size)))
        return np.stack(np.divmod(np.arange(size), side), axis=1) / side

    def _probabilities(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Of each pair of positions, shape (sources, targets)."""
        apart = np.abs(sources[:, None] - targets)
        return self.probability(np.linalg.norm(np.minimum(apart, 1 - apart), axis=2))

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        sources, targets = self.positions(n_source), self.positions(n_target)
        rows = []
        for source in sources:
            probability = self._probabilities(source[None], targets)[0]
            rows.append(_narrow(np.flatnonzero(generator.random(n_target) < probability)))
        return _narrow(np.arange(n_source)).repeat([row.size for row in rows]), _joined(rows)

    def expected_number(self, n_source: int, n_target: int) -> float:
        """How many synapses are to be expected."""
        # Of a few sources, evenly spaced: all have much the same surroundings; so do many targets.
        sources = self.positions(min(n_source, _MOST_SURVEYED))
        targets = self.positions(min(n_target, _MOST_SURVEYED))
        chosen = sources[:: max(1, len(sources) // _SURVEYED)]
        each = [self._probabilities(source[None], targets)[0].sum() for source in chosen]
        return n_source * float(np.mean(each)) * (n_target / len(targets))


class Convolution(_Connectivity):
    """A two-dimensional convolution: neurons are the pixels of images, channel by channel.

    As in machine learning (no kernel is flipped); pixels outside the image are 0. Weights are one
    for all, an array of shape (channels out, channels in, kernel height, kernel width), or a
    distribution from which such an array is drawn.
    """

    kind: Literal["convolution"] = "convolution"
    input_shape: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        description="channels, height and width of the source population"
    )
    channels: int = Field(ge=1, description="channels of the target population")
    kernel_size: int = Field(ge=1)
    stride: int = Field(default=1, ge=1)
    padding: int = Field(default=0, ge=0)
    allow_self: bool = True

    @model_validator(mode="after")
    def _check(self) -> Convolution:
        if min(self.output_shape) < 1:
            raise ValueError(
                f"a kernel of {self.kernel_size} does not fit into images of"
                f" {self.input_shape[1]} x {self.input_shape[2]} with padding {self.padding}"
            )
        return self

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the target population."""
        height, width = (
            (n + 2 * self.padding - self.kernel_size) // self.stride + 1
            for n in self.input_shape[1:]
        )
        return self.channels, height, width

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """Shape of the weights."""
        return self.channels, self.input_shape[0], self.kernel_size, self.kernel_size

    def draw(self, n_source: int, n_target: int, generator: np.random.Generator) -> _Pairs:
        """Indices of the connected pairs."""
        return self.pairs(n_source, n_target)[:2]

    def array_shape(self, n_source: int, n_target: int) -> tuple[int, ...]:
        """The kernel's."""
        return self.kernel_shape

    def expected_number(self, n_source: int, n_target: int) -> float:
        """How many synapses there are."""
        inside = 1
        for size, out in zip(self.input_shape[1:], self.output_shape[1:], strict=True):
            inside *= self._positions_below(size, out) - self._positions_below(0, out)
        return self.channels * self.input_shape[0] * inside

    def _positions_below(self, end: int, n_out: int) -> int:
        """Along one side, places of the kernel at all of its positions that lie below a pixel."""
        # Position i has end + padding - i * stride of them, from none to the whole kernel.
        first = end + self.padding
        whole = min(max((first - self.kernel_size) // self.stride + 1, 0), n_out)
        n = min(max(-(-first // self.stride), whole), n_out) - whole
        return whole * self.kernel_size + n * first - self.stride * (2 * whole + n - 1) * n // 2

    def pairs(self, n_source: int, n_target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices of the connected pairs, and of the weight of each in the flattened kernel."""
        sizes = math.prod(self.input_shape), math.prod(self.output_shape)
        if (n_source, n_target) != sizes:
            raise SpikelearnError(
                f"a convolution from {self.input_shape} to {self.output_shape} needs populations"
                f" of {sizes[0]} and {counted(sizes[1], 'neuron')}, found {n_source} and {n_target}"
            )
        _, height, width = self.input_shape
        _, rows, columns = self.output_shape
        o, i, ky, kx, y, x = np.indices((*self.kernel_shape, rows, columns)).reshape(6, -1)
        from_y, from_x = (at * self.stride + k - self.padding for at, k in ((y, ky), (x, kx)))
        inside = (from_y >= 0) & (from_y < height) & (from_x >= 0) & (from_x < width)
        pre = (i * height + from_y) * width + from_x
        post = (o * rows + y) * columns + x
        index = np.ravel_multi_index((o, i, ky, kx), self.kernel_shape)
        return pre[inside], post[inside], index[inside]


Connectivity = Annotated[
    AllToAll
    | OneToOne
    | Pairs
    | FixedProbability
    | FixedInDegree
    | FixedTotalNumber
    | DistanceDependent
    | Convolution,
    Field(discriminator="kind"),
]
_Pairs = tuple[np.ndarray, np.ndarray]
_FLAGS = 2**22  # candidates that are looked at together
_SURVEYED, _MOST_SURVEYED = 64, 2**17  # neurons that stand for all, and those around them
