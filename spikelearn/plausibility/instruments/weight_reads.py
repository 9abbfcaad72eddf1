"""Which operations sum over the units of a weight matrix, and which way they read it.

A weight matrix is read forwards where the sum runs over the presynaptic units: that is what the
synapses themselves do, z_i = sum_j W_ij h_j. It is read backwards where the sum runs over the
postsynaptic units, sum_i W_ij d_i: a signal passes from the postsynaptic to the presynaptic side by
weights that lie there for the other direction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from spikelearn.plausibility.instruments.shadow_memory import (
    ShadowMemory,
    WeightOrigin,
    or_along,
    union,
)

Direction = Literal["forwards", "backwards"]
Turn = Callable[[torch.Tensor], torch.Tensor]
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
    signal : tensor of shape (..., fan_in), or of images
        What was summed with the weights, as it was (a copy where reads are kept); the axis that is
        summed over is the last, whichever side of the product the signal stands on.
    tags : int
        Bits of the signal.
    bits : int tensor of the signal's shape, optional
        The same by element, where tags are followed.
    events : bool
        Whether what synapses passed on was that a neuron spiked, and when.
    units : int tensor, optional
        Of a forward read: index of the postsynaptic unit of each element of the result, in a shape
        that goes with the result's.
    rows_shape : tuple of int, optional
        Shape in which one number for each row of the signal (or image) goes with the result's.
    weights : tensor, optional
        The weights as they were read, where reads are kept.
    given : tensor, optional
        The signal where it stood among the arguments.
    oriented, inserted : callable
        From what stands there to the signal, and from a signal back to what stands there.
    """

    owners: frozenset[str]
    direction: Direction
    signal: torch.Tensor
    tags: int = 0
    bits: torch.Tensor | None = None
    events: bool = False
    units: torch.Tensor | None = None
    rows_shape: tuple[int, ...] | None = None
    weights: torch.Tensor | None = None
    given: torch.Tensor | None = None
    oriented: Turn = field(default=lambda t: t, repr=False)
    inserted: Turn = field(default=lambda t: t, repr=False)

    @property
    def rows(self) -> torch.Tensor:
        """The signal with one row for each sum, or image; real."""
        return as_rows(self.signal)

    @property
    def row_tags(self) -> torch.Tensor | None:
        """Bits of each row; None where they are not followed by element."""
        if self.bits is None or self.bits.ndim < 2:
            return None
        axes = list(range(1, 4)) if self.bits.ndim == 4 else [-1]
        return or_along(self.bits, axes, False).flatten()


def as_rows(signal: torch.Tensor) -> torch.Tensor:
    """A signal with one row for each sum, or image; of complex numbers both parts."""
    signal = torch.view_as_real(signal).flatten(-2) if signal.is_complex() else signal
    if signal.ndim <= 1:
        return signal.reshape(1, -1)
    return signal.flatten(1) if signal.ndim == 4 else signal.reshape(-1, signal.shape[-1])


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


def of_product(
    shadow: ShadowMemory, name: str, factors: Any, args: Sequence[Any], keep: bool
) -> WeightRead | None:
    """The reading that a product of matrices, or a convolution, is; None if it is none.

    Parameters
    ----------
    shadow : ShadowMemory
    name : str
        Of the operation.
    factors : pair of (position, axis)
        As `operands` gives them.
    args : sequence
        What it is given.
    keep : bool
        Whether the signal and the weights are copied.
    """
    if name == "aten::convolution_backward" and not args[10][0]:
        return None  # only the product for the kernels is asked for, not what passes down
    (i, i_axis), (j, j_axis) = factors
    if not shadow.any_origin([args[i], args[j]]):
        return None
    one = shadow.origin(args[i]) if args[i].numel() else None
    two = shadow.origin(args[j]) if args[j].numel() else None
    if one is not None and two is not None:
        # Matrices that follow one another make a longer way; others meet as signals.
        if chained(one, i_axis % args[i].ndim, two, j_axis % args[j].ndim) is not None:
            return None
        one = None
    if one is not None:
        origin, given, weights, axis = one, args[j], args[i], i_axis
    elif two is not None:
        origin, given, weights, axis = two, args[i], args[j], j_axis
    else:
        return None
    axis %= origin.post.ndim
    which = direction(origin, axis)
    image = name.startswith("aten::convolution")
    turned = one is not None and given.ndim > 1 and not image
    turn: Turn = (lambda t: t.transpose(-1, -2)) if turned else (lambda t: t)
    units = rows_shape = None
    if image:
        units = origin.post.flatten(1)[:, :1].reshape(1, -1, *(1,) * (given.ndim - 2))
        rows_shape = (len(given), *(1,) * (given.ndim - 1))
    elif which == "forwards":
        units = origin.post.select(axis, 0)
        rows = turn(given).shape[:-1]
        if one is not None and given.ndim > 1:  # weights on the left: units down, rows across
            units, rows_shape = units.unsqueeze(-1), (*rows[:-1], 1, rows[-1])
        elif one is not None:
            rows_shape = ()
        else:
            units, rows_shape = units.unsqueeze(-2), (*rows, 1)
            units = units.squeeze(0) if given.ndim == 1 else units
    return _read(shadow, origin, which, given, keep, turn, turn, units, rows_shape, weights)


def of_sum(
    shadow: ShadowMemory, args: Sequence[Any], out_keeps: bool | None, keep: bool
) -> WeightRead | None:
    """A product with weights that was written element by element, where it is summed.

    Parameters
    ----------
    shadow : ShadowMemory
    args : sequence
        What the sum is given.
    out_keeps : bool or None
        Whether the axes that are summed over stay, with length 1; None of sums that run on.
    keep : bool
        Whether the signal and the weights are copied.
    """
    origin = shadow.origin(args[0])
    if origin is None:
        return None
    given, n = args[1] if len(args) > 1 else None, origin.post.ndim
    axes = [given] if isinstance(given, int) else given or range(n)
    axes = sorted(a % n for a in axes)
    which = summed(origin, axes)
    if which is None:
        return None
    if origin.met is None or out_keeps is None:
        return _read(shadow, origin, which, args[0], keep)
    weights, signal = origin.met
    shape = tuple(signal.shape)
    # Of units that all hear the same, one says what the signal was.
    alike = [a for a in range(n) if a not in axes and signal.stride(a) == 0 and shape[a] > 1]
    kept = [a for a in range(n) if a not in axes and a not in alike]
    order = [*alike, *kept, *axes]

    def oriented(tensor: torch.Tensor) -> torch.Tensor:
        moved = tensor.expand(shape).permute(order)[(0,) * len(alike)]
        return moved.flatten(len(kept)) if len(axes) > 1 else moved

    def inserted(turned: torch.Tensor) -> torch.Tensor:
        sizes = [*(1 for _ in alike), *(shape[a] for a in kept), *(shape[a] for a in axes)]
        back = sorted(range(n), key=order.__getitem__)
        return weights * turned.reshape(sizes).permute(back)

    left = [a for a in range(n) if out_keeps or a not in axes]
    rows_shape = tuple(1 if a in axes or a in alike else shape[a] for a in left)
    units = origin.post.amax(axes, keepdim=out_keeps)
    return _read(
        shadow, origin, which, signal, keep, oriented, inserted, units, rows_shape, weights
    )


def of_bag(shadow: ShadowMemory, args: Sequence[Any], follow: bool) -> WeightRead | None:
    """Weights that are summed by who spiked; of single ones nothing is summed yet.

    Parameters
    ----------
    shadow : ShadowMemory
    args : sequence
        What the operation of `BAGS` is given.
    follow : bool
        Whether tags are followed.
    """
    origin = shadow.origin(args[0])
    if origin is None or int(bags(args)[1].max()) < 2:
        return None
    which = direction(origin, 0)
    bits = union(shadow.tags(args[1])) if follow else 0
    chosen = args[1].detach().clone()
    return WeightRead(origin.owners, which, chosen, bits, events=which == "forwards")


def _read(
    shadow: ShadowMemory,
    origin: WeightOrigin,
    which: Direction,
    given: torch.Tensor,
    keep: bool,
    oriented: Turn = lambda t: t,
    inserted: Turn = lambda t: t,
    units: torch.Tensor | None = None,
    rows_shape: tuple[int, ...] | None = None,
    weights: torch.Tensor | None = None,
) -> WeightRead:
    bits = shadow.tags(given)
    signal = oriented(given)
    kept = weights.detach().clone() if keep and weights is not None else None
    return WeightRead(
        origin.owners, which, signal.detach().clone() if keep else signal, union(bits),
        None if bits is None else oriented(bits), origin.events and which == "forwards",
        units if which == "forwards" else None, rows_shape, kept, given, oriented, inserted,
    )  # fmt: skip


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
