"""Readings of weights, and the names of the sources that numbers come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from spikelearn.plausibility._contraction import Direction

# Changes what a forward read gives: (the read, its result) -> the result instead, or None.
Alter = Callable[["Read", torch.Tensor], torch.Tensor | None]


@dataclass(frozen=True)
class Read:
    """One reading of weights by a signal.

    Attributes
    ----------
    owners : frozenset of str
        Names of the weights.
    direction : {"forwards", "backwards"}
    signal : tensor
        What was summed with the weights, as it was (a copy where reads are kept).
    tags : int
        Bits of the signal.
    row_tags : int tensor of shape (rows,), optional
        The same by row, where reads are kept.
    events : bool
        Whether what synapses passed on was that a neuron spiked, and when.
    """

    owners: frozenset[str]
    direction: Direction
    signal: torch.Tensor
    tags: int = 0
    row_tags: torch.Tensor | None = None
    events: bool = False


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
