"""How what is known of numbers passes through torch's operations: tags, and whose weights they are.

An element of a result may depend on what the elements that make it may depend on. For operations
element by element, matrix products, sums along axes and rearrangements that is followed element by
element; of all others every element of the result gets all tags of all arguments. Tags are never
lost in an operation, so that what carries no tag does not depend (but for what leaves torch, such
as `.item()`, of which a list is kept); a tag that is there may be of a path that cancels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch.utils._pytree import tree_map

from spikelearn.plausibility.instruments.shadow_memory import (
    ShadowMemory,
    WeightOrigin,
    or_along,
    union,
)
from spikelearn.plausibility.instruments.weight_reads import (
    BAGS,
    bags,
    chained,
    looked_up,
    operands,
)

# Results hold the elements of the first argument(s), in another order.
REARRANGING = {
    "aten::clone", "aten::cat", "aten::stack", "aten::repeat", "aten::roll", "aten::flip",
    "aten::_reshape_copy", "aten::constant_pad_nd", "aten::unfold_copy", "aten::tril",
    "aten::triu", "aten::diag_embed", "aten::_to_copy", "aten::lift_fresh_copy",
    "aten::slice_backward", "aten::select_backward",
}  # fmt: skip
# Operations of which nothing but the union was followed; for those who extend this file.
UNKNOWN: set[str] = set()
_REDUCING = {
    "aten::sum", "aten::mean", "aten::amax", "aten::amin", "aten::any", "aten::all", "aten::max",
    "aten::min", "aten::argmax", "aten::argmin", "aten::linalg_vector_norm", "aten::norm",
    "aten::var", "aten::std", "aten::prod", "aten::logsumexp",
}  # fmt: skip
# Element by element, without torch's mark of it.
_ELEMENTWISE = {"aten::where", "aten::lerp", "aten::complex"}
# Sample by sample, along the first axis.
_BATCHED = {"aten::_linalg_solve_ex", "aten::linalg_solve"}
# Only the shape of the argument enters.
_SHAPED = {
    f"aten::{which}{made}"
    for which, made in (
        ("new_", "zeros"), ("new_", "ones"), ("new_", "empty"), ("new_", "full"),
        ("new_", "empty_strided"), ("", "zeros_like"), ("", "ones_like"), ("", "empty_like"),
        ("", "full_like"), ("", "rand_like"), ("", "randn_like"),
    )
}  # fmt: skip
_ALONG = {
    "aten::_softmax", "aten::_log_softmax", "aten::cumsum", "aten::cumprod", "aten::sort",
    "aten::topk", "aten::_softmax_backward_data", "aten::_log_softmax_backward_data",
}  # fmt: skip


def propagate(
    shadow: ShadowMemory, func: Any, args: Sequence[Any], kwargs: dict[str, Any], out: Any
) -> None:
    """Give the results of an operation their tags; to be called when it has been done.

    Parameters
    ----------
    shadow : ShadowMemory
    func : OpOverload
        The operation.
    args, kwargs : sequence, dict
        What it was given.
    out : tensor, or tensors
        What it gave.
    """
    name = func._schema.name
    inputs = tensors_in((args, kwargs))
    results = tensors_in(out)
    mutated = written(func, args, kwargs)
    if name in _SHAPED or not any(shadow.tags(t) is not None for t in inputs):
        return
    if not mutated and results and all(shadow.shares(r, inputs) for r in results):
        return  # a view: the same memory
    if name in ("aten::copy_", "aten::fill_", "aten::zero_"):
        source = args[1] if len(args) > 1 else None
        bits = shadow.tags(source) if isinstance(source, torch.Tensor) else None
        shadow.tag(args[0], 0 if bits is None else _expand(bits, args[0].shape))
        return
    for result in mutated or results:
        shadow.tag(result, _bits(shadow, func, name, args, kwargs, inputs, result))


def _bits(  # noqa: PLR0911, PLR0912 - a case for each kind of operation
    shadow: ShadowMemory,
    func: Any,
    name: str,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    inputs: list[torch.Tensor],
    result: torch.Tensor,
) -> torch.Tensor | int:
    shape = tuple(result.shape)
    if torch.Tag.pointwise in func.tags or name.rstrip("_") in _ELEMENTWISE:
        return _joined([_expand(b, shape) for t in inputs if (b := shadow.tags(t)) is not None])
    product = operands(name.rstrip("_") if name.endswith("_") else name, args)
    if product is not None and not name.startswith("aten::convolution"):
        return _of_product(shadow, product, args, shape)
    if name == "aten::convolution_backward":
        return _joined([union(b) for t in inputs if (b := shadow.tags(t)) is not None])
    if name == "aten::convolution":
        return _of_convolution(shadow, args, shape)
    first = args[0] if args and isinstance(args[0], torch.Tensor) else None
    if name in _REDUCING and first is not None and len(inputs) == 1:
        reduced = _reduced(shadow.tags(first), func, args, kwargs, shape)
        if reduced is not None:
            return reduced
    if name in _ALONG:
        # Every element of a line along an axis depends on the whole line.
        axis = _given(func, args, kwargs, "dim", -1)
        known = [b for t in inputs if (b := shadow.tags(t)) is not None]
        return _joined([_expand(or_along(b, [axis], True), shape) for b in known])
    if name in REARRANGING:
        moved = on_shadows(func, args, kwargs, lambda t: _or_zero(shadow.tags(t), t))
        if isinstance(moved, torch.Tensor) and tuple(moved.shape) == shape:
            return moved
    if name == "aten::nll_loss_forward" and args[3] == 0 and shape:
        costs = [or_along(b, [-1], False) for b in (shadow.tags(args[0]),) if b is not None]
        label = shadow.tags(args[1])
        return _joined(costs + ([] if label is None else [label]))
    if name == "aten::scatter_" and _one_a_line(args):
        given = [t for t in (args[0], *args[2:4]) if isinstance(t, torch.Tensor)]
        known = [b for t in given if (b := shadow.tags(t)) is not None]
        return _joined([_expand(b, shape) for b in known])
    if name in _BATCHED and _by_sample(*args[:2]):
        by_sample = [or_along(b, list(range(1, b.ndim)), False) for t in inputs
                     if (b := shadow.tags(t)) is not None]  # fmt: skip
        return _joined([b.view(-1, *(1,) * (len(shape) - 1)).expand(shape) for b in by_sample])
    if name == "aten::nll_loss_backward":
        # The gradient of a sample's cost, by its own scores and label.
        rows = [_expand(or_along(b, [-1], True), shape) for b in (shadow.tags(args[1]),)
                if b is not None]  # fmt: skip
        label, scale = shadow.tags(args[2]), union(shadow.tags(args[0]))
        wide = [] if label is None else [_expand(label.unsqueeze(-1), shape)]
        return _joined([*rows, *wide, scale])
    if name in BAGS and shape == (len(args[2]), args[0].shape[1]):
        return _of_bags(shadow, args, shape)
    if name in ("aten::gather", "aten::embedding", "aten::index", "aten::index_select"):
        return _of_lookup(shadow, func, name, args, shape, inputs)
    UNKNOWN.add(name)
    return _joined([union(b) for t in inputs if (b := shadow.tags(t)) is not None])


def _one_a_line(args: Sequence[Any]) -> bool:
    """Whether `scatter_` writes one number into every line along its axis: one for all, or its own.

    What is written depends on the number and on where it goes, both of the line.
    """
    target, axis, index, *values = args
    line = list(target.shape)
    line[axis] = 1
    number = values[0]
    own = not isinstance(number, torch.Tensor) or number.shape == index.shape
    return list(index.shape) == line and own


def _by_sample(matrices: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether equations are solved for each sample; in a single system all hangs together."""
    vectors = right.shape == matrices.shape[:-1]
    return matrices.ndim > 2 and (vectors or right.shape[:-2] == matrices.shape[:-2])


def _given(func: Any, args: Sequence[Any], kwargs: dict[str, Any], name: str, usual: Any) -> Any:
    """An argument by its name in the operation's schema."""
    names = [a.name for a in func._schema.arguments]
    return dict(zip(names, args, strict=False)).get(name, kwargs.get(name, usual))


def _of_product(
    shadow: ShadowMemory, product: Any, args: Sequence[Any], shape: tuple[int, ...]
) -> torch.Tensor | int:
    (i, _), (j, _) = product
    a, b = args[i], args[j]
    bits = 0
    one, two = shadow.tags(a), shadow.tags(b)
    parts: list[torch.Tensor | int] = []
    if one is not None and a.ndim > 1:
        parts.append(_expand(or_along(one, [-1], True), shape))
    elif one is not None:
        bits |= union(one)
    if two is not None and b.ndim > 1:
        parts.append(_expand(or_along(two, [-2], True), shape))
    elif two is not None:
        bits |= union(two)
    if i:  # something is added to
        added = shadow.tags(args[0])
        if added is not None:
            parts.append(_expand(added, shape))
    return _joined([*parts, bits])


def _of_convolution(shadow: ShadowMemory, args: Sequence[Any], shape: tuple[int, ...]) -> Any:
    # By sample: a convolution keeps samples apart, and that is all that is followed of it.
    images, rest = shadow.tags(args[0]), 0
    for other in args[1:3]:
        if isinstance(other, torch.Tensor):
            rest |= union(shadow.tags(other))
    if images is None:
        return rest
    by_sample = or_along(images, list(range(1, images.ndim)), True)
    return _joined([by_sample.expand(shape), rest])


def _of_bags(
    shadow: ShadowMemory, args: Sequence[Any], shape: tuple[int, ...]
) -> torch.Tensor | int:
    # Of the rows in a bag, and of what said which are in it.
    rows, chosen = shadow.tags(args[0]), union(shadow.tags(args[1])) | union(shadow.tags(args[2]))
    if rows is None:
        return chosen
    summed = torch.zeros(shape, dtype=torch.int64)
    for bag, row in zip(bags(args)[0].tolist(), args[1].tolist(), strict=True):
        summed[bag] |= rows[row]
    return summed | chosen


def _of_lookup(
    shadow: ShadowMemory,
    func: Any,
    name: str,
    args: Sequence[Any],
    shape: tuple[int, ...],
    inputs: list[torch.Tensor],
) -> torch.Tensor | int:
    # Which element is taken, and by what index it was chosen.
    source = shadow.tags(args[0])
    if name == "aten::gather":
        index = shadow.tags(args[2])
        taken = None if source is None else torch.gather(source, args[1], args[2])
        return _joined([b for b in (taken, index) if b is not None])
    if name == "aten::embedding":
        index = shadow.tags(args[1])
        taken = None if source is None else source[args[1]]
        wide = None if index is None else index.unsqueeze(-1).expand(shape)
        return _joined([b for b in (taken, wide) if b is not None])
    chosen = [union(shadow.tags(t)) for t in inputs[1:]]
    taken = None if source is None else func(source, *args[1:])
    return _joined([b for b in (taken, *chosen) if b is not None])


def _reduced(
    bits: torch.Tensor | None,
    func: Any,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    shape: tuple[int, ...],
) -> torch.Tensor | None:
    if bits is None:
        return torch.zeros(shape, dtype=torch.int64)
    given = dict(zip((a.name for a in func._schema.arguments), args, strict=False)) | kwargs
    axes = given.get("dim")
    if axes is None or axes == []:
        axes = list(range(bits.ndim))
    axes = [axes] if isinstance(axes, int) else list(axes)
    reduced = or_along(bits, axes, bool(given.get("keepdim", False)))
    return reduced if tuple(reduced.shape) == shape else None


def _joined(parts: list[Any]) -> torch.Tensor | int:
    number, total = 0, None
    for part in parts:
        if isinstance(part, int):
            number |= part
        else:
            total = part if total is None else total | part
    return number if total is None else total | number


def _expand(bits: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    try:
        return bits.expand(tuple(shape))
    except RuntimeError:
        return torch.full(tuple(shape), union(bits), dtype=torch.int64)


def _or_zero(bits: torch.Tensor | None, like: torch.Tensor) -> torch.Tensor:
    return torch.zeros(tuple(like.shape), dtype=torch.int64) if bits is None else bits


def tensors_in(tree: Any) -> list[torch.Tensor]:
    """The tensors in arguments or results."""
    if isinstance(tree, torch.Tensor):
        return [tree]
    tensors: list[torch.Tensor] = []
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        for item in tree:
            if isinstance(item, torch.Tensor):
                tensors.append(item)
            elif isinstance(item, list | tuple | dict):
                tensors += tensors_in(item)
    return tensors


@functools.cache
def _writes(func: Any) -> tuple[tuple[int, str], ...]:
    return tuple(
        (position, argument.name)
        for position, argument in enumerate(func._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )


def written(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[torch.Tensor]:
    """Arguments that an operation writes into.

    Parameters
    ----------
    func : OpOverload
        The operation.
    args, kwargs : sequence, dict
        What it is given.
    """
    tensors: list[torch.Tensor] = []
    for position, name in _writes(func):
        tensors += tensors_in(args[position] if position < len(args) else kwargs.get(name))
    return tensors


def on_shadows(
    func: Any,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    of: Callable[[torch.Tensor], torch.Tensor],
) -> Any:
    """A rearrangement done to what is known of the elements, in place of the elements.

    Parameters
    ----------
    func : OpOverload
        The operation.
    args, kwargs : sequence, dict
        What it is given.
    of : callable
        Gives what is known of the elements of a tensor, in its shape.
    """
    kept = {k: v for k, v in kwargs.items() if k not in ("dtype", "layout", "device", "pin_memory")}
    swap = lambda item: of(item) if isinstance(item, torch.Tensor) else item  # noqa: E731
    return func(*tree_map(swap, list(args)), **tree_map(swap, kept))


def origin_of(  # noqa: PLR0911 - a case for each kind of operation
    shadow: ShadowMemory,
    func: Any,
    name: str,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    inputs: list[torch.Tensor],
    factors: Any,
) -> WeightOrigin | None:
    """Of what synapses the elements of an operation's result will be weights, if of any.

    Parameters
    ----------
    shadow : ShadowMemory
    func : OpOverload
        The operation.
    name : str
        In its schema, such as "aten::mm".
    args, kwargs : sequence, dict
        What it is given.
    inputs : list of tensors
        Those among its arguments.
    factors : pair of (position, axis), or None
        Of an operation that sums over products, as `operands` gives them.
    """
    known = [origin for t in inputs if (origin := shadow.origin(t)) is not None]
    if not known:
        return None
    if factors is not None:
        (i, i_axis), (j, j_axis) = factors
        one, two = shadow.origin(args[i]), shadow.origin(args[j])
        if one is None or two is None or args[i].ndim != 2 or args[j].ndim != 2:
            return None
        return chained(one, i_axis % 2, two, j_axis % 2)
    owners = frozenset().union(*(k.owners for k in known))
    if name == "aten::copy_":
        source = shadow.origin(args[1]) if isinstance(args[1], torch.Tensor) else None
        return source
    if name in ("aten::_to_copy", "aten::detach_copy"):
        return known[0]
    if name in BAGS:
        rows = shadow.origin(args[0])
        return None if rows is None else looked_up(rows, args)
    if torch.Tag.pointwise in func.tags or name.startswith("aten::lerp"):
        shape = torch.broadcast_shapes(*(t.shape for t in inputs))
        post, pre = (torch.full(shape, -1, dtype=torch.int64) for _ in range(2))
        for k in known:
            post = torch.maximum(post, k.post.expand(shape))
            pre = torch.maximum(pre, k.pre.expand(shape))
        # What is no weight and more than a number has met the weights here.
        plain = any(t.numel() > 1 and shadow.origin(t) is None for t in inputs)
        events = any(k.events for k in known)
        mixed = plain or any(k.mixed for k in known)
        met = _met(shadow, name, inputs, shape) if plain else None
        return WeightOrigin(post, pre, owners, mixed, events, met)
    if name in REARRANGING:
        if len(known) < len(inputs):
            return None  # put together with what is no weight: data

        def ends(which: str) -> Callable[[torch.Tensor], torch.Tensor]:
            def of(t: torch.Tensor) -> torch.Tensor:
                origin = shadow.origin(t)
                empty = torch.full(tuple(t.shape), -1, dtype=torch.int64)
                return empty if origin is None else getattr(origin, which)

            return of

        post, pre = (on_shadows(func, args, kwargs, ends(w)) for w in ("post", "pre"))
        mixed, events = any(k.mixed for k in known), any(k.events for k in known)
        return WeightOrigin(post, pre, owners, mixed, events)
    return None


def _met(
    shadow: ShadowMemory, name: str, inputs: list[torch.Tensor], shape: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Weights and the signal that they are multiplied by, each in the product's shape."""
    if name != "aten::mul" or len(inputs) != 2:
        return None
    weights = [t for t in inputs if shadow.origin(t) is not None]
    signals = [t for t in inputs if shadow.origin(t) is None]
    if len(signals) != 1 or cast("WeightOrigin", shadow.origin(weights[0])).mixed:
        return None
    return weights[0].expand(shape), signals[0].expand(shape)
