"""Which operations sum over the units of a weight matrix, and which way they read it.

A weight matrix is read forwards where the sum runs over the presynaptic units: that is what the
synapses themselves do, z_i = sum_j W_ij h_j. It is read backwards where the sum runs over the
postsynaptic units, sum_i W_ij d_i: a signal passes from the postsynaptic to the presynaptic side by
weights that lie there for the other direction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from spikelearn.plausibility.instruments.shadow_memory import WeightOrigin

Direction = Literal["forwards", "backwards"]
# Changes what a forward read gives: (the read, its result) -> the result instead, or None.
Alter = Callable[["WeightRead", torch.Tensor], torch.Tensor | None]


@dataclass(frozen=True)
class WeightRead:
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


# Sums of rows, each of which is looked up by an index: how weights meet spikes that are events.
BAGS = {"aten::embedding_bag", "aten::_embedding_bag", "aten::_embedding_bag_forward_only"}

# Operands of a matrix product: position among the arguments, and the axis that is summed over.
_PRODUCTS: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "aten::mm": ((0, 1), (1, 0)),
    "aten::bmm": ((0, 2), (1, 1)),
    "aten::mv": ((0, 1), (1, 0)),
    "aten::dot": ((0, 0), (1, 0)),
    "aten::addmm": ((1, 1), (2, 0)),
    "aten::addmm_": ((1, 1), (2, 0)),
    "aten::addmv": ((1, 1), (2, 0)),
    "aten::addmv_": ((1, 1), (2, 0)),
    "aten::baddbmm": ((1, 2), (2, 1)),
    "aten::baddbmm_": ((1, 2), (2, 1)),
    "aten::linear": ((0, -1), (1, 1)),
}


def operands(name: str, args: Sequence[Any]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """For an operation that sums over products: its two factors, each as (position, summed axis).

    None for other operations. Of a convolution the axis of the kernels that is summed over, beside
    those of space.
    """
    if name in _PRODUCTS:
        return _PRODUCTS[name]
    if name == "aten::convolution":
        return (0, 1), (1, 0 if args[6] else 1)
    if name == "aten::convolution_backward":
        return (0, 1), (2, 1 if args[7] else 0)
    return None


def direction(origin: WeightOrigin, axis: int) -> Direction:
    """Which way weights are read by a sum over this axis."""
    over_post, over_pre = _varies(origin.post, axis), _varies(origin.pre, axis)
    if over_post != over_pre:
        return "backwards" if over_post else "forwards"
    if not over_post:
        # A sum of one term: what is left over says which side was summed.
        others = [i for i in range(origin.post.ndim) if i != axis % origin.post.ndim]
        post = any(_varies(origin.post, i) for i in others)
        pre = any(_varies(origin.pre, i) for i in others)
        return "forwards" if post and not pre else "backwards"
    return "backwards"


def summed(origin: WeightOrigin, axes: Sequence[int]) -> Direction | None:
    """Which way weights that have met a signal are read by a sum along axes; None: not at all."""
    over = [a for a in axes if _varies(origin.post, a) or _varies(origin.pre, a)]
    if not over or not origin.mixed:
        return None
    return "backwards" if any(_varies(origin.post, a) for a in over) else "forwards"


def chained(a: WeightOrigin, a_axis: int, b: WeightOrigin, b_axis: int) -> WeightOrigin | None:
    """Synapses of a product of two weight matrices that follow one another, such as W_2 W_1.

    Parameters
    ----------
    a, b : WeightOrigin
        Of the two factors.
    a_axis, b_axis : int
        The axis of each that is summed over.

    Returns
    -------
    WeightOrigin or None
        None where they do not follow one another.
    """
    if a.post.ndim != 2 or b.post.ndim != 2:
        return None
    one, two = direction(a, a_axis), direction(b, b_axis)
    if one == two:
        return None
    rows, columns = a.post.shape[1 - a_axis], b.post.shape[1 - b_axis]
    left_post, left_pre = (i.select(a_axis, 0)[:, None] for i in (a.post, a.pre))
    right_post, right_pre = (i.select(b_axis, 0)[None, :] for i in (b.post, b.pre))
    # WeightRead forwards by one and backwards by the other: their inner units are the same ones.
    post, pre = (left_post, right_pre) if one == "forwards" else (right_post, left_pre)
    owners = a.owners | b.owners
    return WeightOrigin(post.expand(rows, columns), pre.expand(rows, columns), owners)


def bags(args: Sequence[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Of an operation of `BAGS`: the bag of each looked-up row, and how many are in each bag."""
    indices, offsets = args[1], args[2]
    ends = torch.cat((offsets[1:], offsets.new_tensor([len(indices)])))
    sizes = ends - offsets
    return torch.arange(len(offsets)).repeat_interleave(sizes), sizes


def looked_up(origin: WeightOrigin, args: Sequence[Any]) -> WeightOrigin:
    """Of what synapses the rows are that were looked up one a bag; of none where a bag is empty."""
    bag, sizes = bags(args)
    post, pre = origin.post, origin.pre
    ends = []
    for end in (post, pre):
        empty = torch.full_like(end[0], -1) if _varies(end, 0) else end[0]
        rows = empty.repeat(len(sizes), 1)
        rows[bag] = end[args[1]]
        ends.append(rows)
    return WeightOrigin(ends[0], ends[1], origin.owners, origin.mixed, events=True)


def _varies(index: torch.Tensor, axis: int) -> bool:
    return index.shape[axis] > 1 and bool((index != index.narrow(axis, 0, 1)).any())


def multiplications(name: str, args: Sequence[Any], out: Any) -> int:
    """Multiply-adds of an operation that sums over products; 0 for others.

    Parameters
    ----------
    name : str
        Of the operation, such as "aten::mm".
    args : sequence
        What it was given.
    out : tensor
        What it gave.
    """
    if name in BAGS:
        return int(args[1].numel() * args[0].shape[1])
    factors = operands(name, args)
    if factors is None:
        return 0
    if name == "aten::convolution":
        weight = args[1]
        return int(args[0].numel() * weight[0].numel() if args[6] else
                   out.numel() * weight[0].numel())  # fmt: skip
    if name == "aten::convolution_backward":
        gradient, weight, wanted = args[0], args[2], args[10]
        return int(gradient.numel() * weight[0].numel() * sum(wanted[:2]))
    (position, axis), _ = factors
    return int(out.numel() * args[position].shape[axis])
