"""The first instrument: what an update may depend on, from one real update.

It needs no declaration by the rule's author. Every number carries the names of the sources that
may have entered it, through whatever a rule does with it; what is read here is what the updates
carry. Sources are
    "backwards layer 2"     the weights of layer 2, summed over their postsynaptic side
    "layer 2"               the weights of layer 2, one by one
    "activity layer 2"      activity of layer 2, whatever computed it
    "extra.feedback.0"      what the rule keeps beside the network, by its name there
    "label", "noise", "sample 3", "time 2", "stimulus", "biases"
    "drawn before"          random numbers from when the rule was prepared
    "unseen stimulus"       numbers that the stimulus moves, out of sight (`unseen_numbers.py`)

It over-approximates: a tag says that there is a way for information to go, and cannot see that two
ways cancel, or that a factor is zero. That is why the second instrument stands beside it. Tags of
samples are kept apart by rows until something sums over the batch, as every update does; whether
samples are compared with one another is therefore measured by intervention alone.

How tags pass through an operation is in `propagation.py`. Here stands what they mean to the audit:
where weights are read forwards the result is activity of their layer, where they are read backwards
it carries the mark of that, and so where the signal is no activity (`own_patterns.py`); what torch
draws is noise; what the label says in one number for each
sample is no vector; and what leaves torch is written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch

from spikelearn.plausibility.instruments.own_patterns import is_activity, silent_rows
from spikelearn.plausibility.instruments.propagation import propagate, tensors_in
from spikelearn.plausibility.instruments.shadow_memory import ShadowMemory, or_along, union
from spikelearn.plausibility.instruments.weight_reads import WeightRead, operands

_RANDOM = ("rand", "normal", "uniform", "bernoulli", "random", "multinomial", "exponential")


@dataclass
class Sources:
    """Names of tags, each a bit of a 64-bit number."""

    names: list[str] = field(default_factory=list)

    def bit(self, name: str) -> int:
        """The bit of a source, which is given one if it has none."""
        if name not in self.names:
            if len(self.names) == 62:
                raise ValueError("the audit follows at most 62 sources at a time")
            self.names.append(name)
        return 1 << self.names.index(name)

    def of(self, bits: int) -> frozenset[str]:
        """The sources whose bits are set."""
        return frozenset(n for i, n in enumerate(self.names) if bits >> i & 1)


class TagTracking:
    """Tags of one run.

    Attributes
    ----------
    network : set of str
        Names of the network's weights.
    weight_shapes : set of tuple
    n_samples : int
        In the batch; 0 where it is not told.
    taken_out : list of frozenset
        Sources of every number that was taken out of torch.
    mixed_samples : bool
        Whether a sample carried signs of another before an update summed over them.
    random : str
        Source of what is drawn.
    heard : frozenset of str
        Layers whose weights carry activity of layers that learn.
    """

    def __init__(
        self, shadow: ShadowMemory, sources: Sources, inside: frozenset[str], units_of: str | None
    ) -> None:
        self.shadow, self.sources = shadow, sources
        self.inside, self.units_of = inside, units_of
        self.network: set[str] = set()
        self.weight_shapes: set[tuple[int, ...]] = set()
        self.n_samples = 0
        self.taken_out: list[frozenset[str]] = []
        self.mixed_samples = False
        self.random = "noise"
        self.heard: frozenset[str] = frozenset()

    def after(
        self,
        func: Any,
        name: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        out: Any,
        read: WeightRead | None,
        mutated: list[torch.Tensor],
    ) -> None:
        """Follow an operation that has been carried out.

        Parameters
        ----------
        func : OpOverload
            The operation.
        name : str
            In its schema, such as "aten::mm".
        args, kwargs : sequence, dict
            What it was given.
        out : tensor, or tensors
            What it gave.
        read : WeightRead or None
            The reading of weights that it was, if it was one.
        mutated : list of tensors
            Those of its arguments that it wrote into.
        """
        propagate(self.shadow, func, args, kwargs, out)
        if read is None:
            self._samples(name, args, mutated, out)
        if name == "aten::_local_scalar_dense":
            self.taken_out.append(self.sources.of(union(self.shadow.tags(args[0].detach()))))
        plain = name.removeprefix("aten::")
        if any(plain.startswith(word) for word in _RANDOM):
            for result in mutated or tensors_in(out):
                self.shadow.tag(result, self.sources.bit(self.random), add=True)
        self._narrow(mutated, out)
        if read is None:
            return
        result = mutated[0] if mutated else tensors_in(out)[0]
        self._units(read, result)
        if not read.owners & self.network:
            return
        bits = self.shadow.tags(result)
        for owner in read.owners & self.network:
            bits = torch.zeros(result.shape, dtype=torch.int64) if bits is None else bits
            cleared, back = ~self.sources.bit(owner), self.sources.bit(f"backwards {owner}")
            if read.direction == "backwards":
                bits = bits & cleared | back
                continue
            answered = bits & cleared | self.sources.bit(f"activity {owner}")
            active = sum(self.sources.bit(n) for n in [*self.sources.names] if is_activity(n))
            silent = silent_rows(read, active) if owner in self.heard else None
            bits = answered if silent is None else torch.where(silent, bits | back, answered)
        self.shadow.tag(result, cast("torch.Tensor", bits))

    def _narrow(self, mutated: list[torch.Tensor], out: Any) -> None:
        """Where one number for each sample is left, what the label says is one number."""
        bit = self.sources.bit("label")
        for result in mutated or tensors_in(out):
            if not result.is_floating_point() or result.numel() > self.n_samples:
                continue
            bits = self.shadow.tags(result)
            if bits is not None and union(bits) & bit:
                one = self.sources.bit("label as one number")
                narrow = torch.where(bits & bit != 0, bits & ~bit | one, bits)
                self.shadow.tag(result, narrow)

    def _samples(
        self, name: str, args: Sequence[Any], mutated: list[torch.Tensor], out: Any
    ) -> None:
        """Where samples are summed to an update: does one carry signs of another?"""
        factors = operands(name.rstrip("_"), args)
        results = mutated or tensors_in(out)
        if factors is None or not results or name.startswith("aten::linear"):
            return
        if not any(tuple(r.shape) in self.weight_shapes for r in results):
            return
        first = args[factors[0][0]]
        axis = 0 if name.startswith("aten::convolution") else factors[0][1] % first.ndim
        bits = self.shadow.tags(first)
        if bits is None or not self.n_samples or first.shape[axis] % self.n_samples:
            return
        others = [a for a in range(bits.ndim) if a != axis]
        marks = [self.sources.bit(f"sample {k + 1}") for k in range(self.n_samples)]
        for value in or_along(bits, others, False).tolist():
            if sum(1 for mark in marks if value & mark) > 1:
                self.mixed_samples = True

    def _units(self, read: WeightRead, result: torch.Tensor) -> None:
        if self.units_of is None:
            return
        inside = read.direction == "backwards" and read.owners <= self.inside
        bits = self.shadow.tags(result)
        if bits is not None and not inside:
            ends = (
                self.sources.bit(n) for n in self.sources.names if n.startswith(("post ", "pre "))
            )
            bits = bits & ~sum(ends)
            self.shadow.tag(result, bits)
        if read.owners == {self.units_of} and read.units is not None:
            units = read.units.expand(result.shape)
            marks = torch.zeros(result.shape, dtype=torch.int64)
            for unit in units.unique().tolist():
                marks[units == unit] = self.sources.bit(f"post {unit + 1}")
            self.shadow.tag(result, marks, add=True)
