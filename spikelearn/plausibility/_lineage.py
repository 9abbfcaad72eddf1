"""Of what synapses the results of an operation are weights, if of any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from spikelearn.plausibility._contraction import BAGS, chained, looked_up
from spikelearn.plausibility._shadow import Lineage, Shadow
from spikelearn.plausibility._tags import REARRANGING, on_shadows


def lineage_of(  # noqa: PLR0911 - a case for each kind of operation
    shadow: Shadow,
    func: Any,
    name: str,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    inputs: list[torch.Tensor],
    factors: Any,
) -> Lineage | None:
    """Of what synapses the result's elements will be weights, if of any."""
    known = [found for t in inputs if (found := shadow.lineage(t)) is not None]
    if not known:
        return None
    if factors is not None:
        (i, i_axis), (j, j_axis) = factors
        one, two = shadow.lineage(args[i]), shadow.lineage(args[j])
        if one is None or two is None or args[i].ndim != 2 or args[j].ndim != 2:
            return None
        return chained(one, i_axis % 2, two, j_axis % 2)
    owners = frozenset().union(*(k.owners for k in known))
    if name == "aten::copy_":
        source = shadow.lineage(args[1]) if isinstance(args[1], torch.Tensor) else None
        return source
    if name in ("aten::_to_copy", "aten::detach_copy"):
        return known[0]
    if name in BAGS:
        rows = shadow.lineage(args[0])
        return None if rows is None else looked_up(rows, args)
    if torch.Tag.pointwise in func.tags or name.startswith("aten::lerp"):
        shape = torch.broadcast_shapes(*(t.shape for t in inputs))
        post, pre = (torch.full(shape, -1, dtype=torch.int64) for _ in range(2))
        for k in known:
            post = torch.maximum(post, k.post.expand(shape))
            pre = torch.maximum(pre, k.pre.expand(shape))
        # What is no weight and more than a number has met the weights here.
        plain = any(t.numel() > 1 and shadow.lineage(t) is None for t in inputs)
        events = any(k.events for k in known)
        return Lineage(post, pre, owners, plain or any(k.mixed for k in known), events)
    if name in REARRANGING:
        if len(known) < len(inputs):
            return None  # put together with what is no weight: data

        def ends(which: str) -> Callable[[torch.Tensor], torch.Tensor]:
            def of(t: torch.Tensor) -> torch.Tensor:
                found = shadow.lineage(t)
                empty = torch.full(tuple(t.shape), -1, dtype=torch.int64)
                return empty if found is None else getattr(found, which)

            return of

        post, pre = (on_shadows(func, args, kwargs, ends(w)) for w in ("post", "pre"))
        mixed, events = any(k.mixed for k in known), any(k.events for k in known)
        return Lineage(post, pre, owners, mixed, events)
    return None
