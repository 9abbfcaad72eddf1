"""The mode under which the audit runs a rule: it sees every operation that torch carries out.

`OperationObserver` is a `TorchDispatchMode`: it stands below automatic differentiation, and so sees
the operations of a backward pass as it sees those that a rule writes out. Both instruments are
built on it:

provenance (`tags`)
    Every number carries the sources that it may depend on (`provenance.py`).
intervention (`twin`s)
    A changed tensor has a twin with the value as it was. Operations are done to both, up to the
    border of what is to be changed; there the twin is what is read, so that beyond the border
    nothing is different. For weights the border is the forward read: activity is computed with the
    weights as they were, while whatever else reads them, by whatever way, reads them changed. For
    activity the border is where a signal leaves the layer through synapses.

The two fail in opposite ways. What the mode loses sight of (a detour through NumPy or Python) has
no tag, but it has no twin either: it is read changed, and shows as an effect.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from spikelearn._errors import SpikelearnError
from spikelearn.plausibility.instruments.propagation import (
    or_along,
    origin_of,
    tensors_in,
    written,
)
from spikelearn.plausibility.instruments.provenance import Sources, TagTracking
from spikelearn.plausibility.instruments.shadow_memory import ShadowMemory, WeightOrigin, union
from spikelearn.plausibility.instruments.weight_reads import (
    BAGS,
    Alter,
    WeightRead,
    bags,
    chained,
    direction,
    multiplications,
    operands,
    summed,
)

# Derivatives of nonlinearities; the first argument is the signal.
_SLOPES = {
    f"aten::{which}_backward"
    for which in ("tanh", "sigmoid", "threshold", "elu", "hardtanh", "gelu", "silu", "leaky_relu",
                  "softplus", "hardsigmoid", "hardswish", "log_sigmoid")
}  # fmt: skip

_SUMS = ("aten::sum", "aten::mean", "aten::cumsum")

__all__ = ["Alter", "OperationObserver", "WeightRead"]


class OperationObserver(TorchDispatchMode):
    """Sees what a rule does.

    Parameters
    ----------
    tags : bool
        Whether tags are followed.
    keep_reads : bool
        Whether reads are kept, with their signals.
    alter : callable, optional
        Changes results of forward reads.
    inside : set of str
        Weights through which a change of activity passes on when they are read backwards.
    shapes : set of tuple
        Writes into tensors of these shapes are kept.
    openly : bool
        Whether what `alter` changes has no border: it changes whatever comes after it.
    send : callable, optional
        Replaces the signal of a read.
    flat_slopes : bool
        Whether the derivatives of nonlinearities that automatic differentiation computes are
        replaced by their mean.
    units_of : str, optional
        A layer, each of whose units is a source of its own ("post 1" ...) until it is sent through
        synapses.
    """

    def __init__(
        self,
        tags: bool = False,
        keep_reads: bool = False,
        alter: Alter | None = None,
        inside: frozenset[str] = frozenset(),
        shapes: frozenset[tuple[int, ...]] = frozenset(),
        openly: bool = False,
        send: Callable[[WeightRead], torch.Tensor | None] | None = None,
        flat_slopes: bool = False,
        units_of: str | None = None,
    ) -> None:
        super().__init__()
        self.follow_tags, self.keep_reads, self.alter = tags, keep_reads, alter
        self.inside, self.shapes = inside, shapes
        self.openly, self.send, self.flat_slopes = openly, send, flat_slopes
        self.shadow, self.sources = ShadowMemory(), Sources()
        self.tracking = TagTracking(self.shadow, self.sources, inside, units_of)
        self.altered: frozenset[str] = frozenset()  # owners of the reads that were changed
        self.reads: list[WeightRead] = []
        self.macs = 0
        self.n_operations = 0
        self.derivatives = 0
        self.writes: dict[int, list[torch.Tensor]] = {}
        self.write_tags: dict[int, list[int]] = {}

    # --- What is declared before the run.

    def weights(self, named: Mapping[str, torch.Tensor], network: bool) -> None:
        """Declare weight matrices: the first axis runs over postsynaptic units."""
        for name, tensor in named.items():
            post = torch.arange(tensor.shape[0]).reshape(-1, *(1,) * (tensor.ndim - 1))
            pre = torch.arange(tensor[0].numel()).reshape(1, *tensor.shape[1:])
            origin = WeightOrigin(
                post.expand(tensor.shape), pre.expand(tensor.shape), frozenset({name})
            )
            self.shadow.set_origin(tensor.detach(), origin)
            if network:
                self.tracking.network.add(name)
                self.tracking.weight_shapes.add(tuple(tensor.shape))
            if self.follow_tags:
                self.shadow.tag(tensor.detach(), self.sources.bit(name))

    def change(self, tensor: torch.Tensor, value: torch.Tensor) -> None:
        """Intervene: the tensor takes a value, and its twin keeps what it was."""
        with torch.no_grad():
            tensor = tensor.detach()
            self.shadow.begin_twin(tensor)
            tensor.copy_(value)

    def mark(self, tensor: torch.Tensor, name: str) -> None:
        """Declare a source of tags."""
        if self.follow_tags and tensor.numel():
            self.shadow.tag(tensor.detach(), self.sources.bit(name), add=True)

    def tags_of(self, tensor: torch.Tensor) -> frozenset[str]:
        """Sources that any element of a tensor may depend on."""
        return self.sources.of(union(self.shadow.tags(tensor.detach())))

    # --- The run.

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Carry out one operation, and follow it."""
        kwargs = kwargs or {}
        name: str = func._schema.name
        self.n_operations += 1
        inputs = tensors_in((args, kwargs))
        factors: Any = operands(name, args)
        read = self._read(name, factors, args)
        if read is None and name in _SUMS and self.shadow.any_origin(inputs):
            read, factors = self._summed(args), ((0, 0), (0, 0))
        if read is None and name in BAGS and self.shadow.any_origin([args[0]]):
            read = self._bagged(args)
            factors = None if read is None else ((0, 0), (1, 0), (2, 0))
        mutated = written(func, args, kwargs)
        if read is not None:
            args, dual = self._at_border(read, cast("Any", factors), args)
        else:
            dual = any(self.shadow.has_twin(t) for t in inputs)
        if read is not None and self.send is not None:
            args = self._sent(read, cast("Any", factors), args)
        origin = None
        if read is None and self.shadow.any_origin(inputs):
            origin = origin_of(self.shadow, func, name, args, kwargs, inputs, factors)
        twin = self._twin_before(kwargs, mutated) if dual else None
        out = func(*args, **kwargs)
        if self.flat_slopes and name in _SLOPES:
            out = _flattened(func, args, kwargs, out)
        if dual:
            self._twin_after(func, args, kwargs, out, mutated, inputs, twin)
        if self.follow_tags:
            self.tracking.after(func, name, args, kwargs, out, read, mutated)
        self._inherit(out, origin, mutated, inputs)
        self._note(name, args, out, mutated)
        if read is not None and read.direction == "forwards" and self.alter is not None:
            self._altered(read, mutated[0] if mutated else tensors_in(out)[0])
        return out

    def _read(self, name: str, factors: Any, args: Sequence[Any]) -> WeightRead | None:
        if factors is None:
            return None
        if name == "aten::convolution_backward" and not args[10][0]:
            return None  # only the product for the kernels is asked for, not what passes down
        (i, i_axis), (j, j_axis) = factors
        if not self.shadow.any_origin([args[i], args[j]]):
            return None
        one = self.shadow.origin(args[i]) if args[i].numel() else None
        two = self.shadow.origin(args[j]) if args[j].numel() else None
        if one is not None and two is not None:
            # Matrices that follow one another make a longer way; others meet as signals.
            if chained(one, i_axis % args[i].ndim, two, j_axis % args[j].ndim) is not None:
                return None
            origin, signal, axis = two, args[i], j_axis
        elif one is not None:
            origin, signal, axis = one, args[j], i_axis
        elif two is not None:
            origin, signal, axis = two, args[i], j_axis
        else:
            return None
        which = direction(origin, axis % origin.post.ndim)
        bits = self.shadow.tags(signal) if self.follow_tags else None
        kept = signal.detach().clone() if self.keep_reads else signal
        rows = None
        if self.keep_reads and bits is not None and bits.ndim > 1:
            axes = list(range(1, 4)) if bits.ndim == 4 else [-1]
            rows = or_along(bits, axes, False).flatten()
        read = WeightRead(origin.owners, which, kept, union(bits), rows)
        if self.keep_reads:
            self.reads.append(read)
        return read

    def _summed(self, args: Sequence[Any]) -> WeightRead | None:
        """A product with weights that was written element by element, where it is summed."""
        origin = self.shadow.origin(args[0])
        if origin is None:
            return None
        given = args[1] if len(args) > 1 else None
        axes = [given] if isinstance(given, int) else given or range(origin.post.ndim)
        which = summed(origin, [a % origin.post.ndim for a in axes])
        if which is None:
            return None
        signal = args[0]
        kept = signal.detach().clone() if self.keep_reads else signal
        bits = self.shadow.tags(signal) if self.follow_tags else None
        events = origin.events and which == "forwards"
        read = WeightRead(origin.owners, which, kept, union(bits), events=events)
        if self.keep_reads:
            self.reads.append(read)
        return read

    def _bagged(self, args: Sequence[Any]) -> WeightRead | None:
        """Weights that are summed by who spiked; of single ones nothing is summed yet."""
        origin = self.shadow.origin(args[0])
        if origin is None or int(bags(args)[1].max()) < 2:
            return None
        which = direction(origin, 0)
        bits = union(self.shadow.tags(args[1])) if self.follow_tags else 0
        read = WeightRead(
            origin.owners, which, args[1].detach().clone(), bits, events=which == "forwards"
        )
        if self.keep_reads:
            self.reads.append(read)
        return read

    def _at_border(
        self, read: WeightRead, factors: Any, args: Sequence[Any]
    ) -> tuple[Sequence[Any], bool]:
        """Arguments as they are read, and whether the change passes on."""
        positions = [position for position, _ in factors]
        leaves = (
            read.direction == "forwards" and bool(self.altered) and not read.owners & self.altered
        )
        reached = args if leaves else [args[p] for p in positions]
        if not any(self.shadow.has_twin(a) for a in reached if isinstance(a, torch.Tensor)):
            return args, any(self.shadow.has_twin(t) for t in tensors_in(args))
        if read.direction == "backwards" and read.owners <= self.inside:
            return args, True
        swapped = list(args)
        if leaves:
            # What is added on the way (a connection that skips the synapses) leaves with the rest.
            swapped = [self.shadow.twin(a) if isinstance(a, torch.Tensor) else a for a in args]
        for p in positions:
            is_weight = self.shadow.origin(args[p]) is not None
            if read.direction == "forwards" or not is_weight:
                swapped[p] = self.shadow.twin(args[p])
        return swapped, False

    def _sent(self, read: WeightRead, factors: Any, args: Sequence[Any]) -> Sequence[Any]:
        instead = cast("Any", self.send)(read)
        if instead is None:
            return args
        swapped = list(args)
        positions = {position for position, _ in factors}
        for p in positions:
            # A product that was written element by element is what is summed itself.
            if len(positions) == 1 or self.shadow.origin(args[p]) is None:
                swapped[p] = instead
        return swapped

    def _twin_before(self, kwargs: dict[str, Any], mutated: list[torch.Tensor]) -> Any:
        for tensor in mutated:
            self.shadow.begin_twin(tensor)
        generator = kwargs.get("generator")
        return None if generator is None else generator.get_state()

    def _twin_after(
        self,
        func: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        out: Any,
        mutated: list[torch.Tensor],
        inputs: list[torch.Tensor],
        state: Any,
    ) -> None:
        results = tensors_in(out)
        if not results or (not mutated and all(self.shadow.shares(r, inputs) for r in results)):
            return
        if state is not None:
            kwargs["generator"].set_state(state)
        swap = lambda t: self.shadow.twin(t) if isinstance(t, torch.Tensor) else t  # noqa: E731
        twins = func(*tree_map(swap, list(args)), **tree_map(swap, kwargs))
        if not mutated:
            for result, value in zip(results, tensors_in(twins), strict=True):
                if result.shape != value.shape:
                    raise SpikelearnError(
                        f"an intervention changes how much there is, from {tuple(value.shape)} to"
                        f" {tuple(result.shape)} in {func}; the audit compares like with like"
                    )
                self.shadow.set_twin(result, value)

    def _inherit(
        self,
        out: Any,
        origin: WeightOrigin | None,
        mutated: list[torch.Tensor],
        inputs: list[torch.Tensor],
    ) -> None:
        if origin is None:
            return
        results = mutated or tensors_in(out)
        if not mutated and results and all(self.shadow.shares(r, inputs) for r in results):
            return
        for result in results[:1]:
            if origin.post.numel() and result.numel():
                if tuple(origin.post.shape) != tuple(result.shape):
                    try:
                        post, pre = (e.expand(result.shape) for e in (origin.post, origin.pre))
                    except RuntimeError:
                        continue
                    origin = dataclasses.replace(origin, post=post, pre=pre)
                self.shadow.set_origin(result, origin)

    def _note(self, name: str, args: Sequence[Any], out: Any, mutated: list[torch.Tensor]) -> None:
        self.macs += multiplications(name, args, out)
        plain = name.removeprefix("aten::")
        self.derivatives += plain.endswith("_backward") and not plain.startswith("convolution")
        for tensor in mutated:
            if tuple(tensor.shape) in self.shapes:
                key = tensor.untyped_storage().data_ptr()
                self.writes.setdefault(key, []).append(tensor.detach().clone())
                self.write_tags.setdefault(key, []).append(union(self.shadow.tags(tensor)))

    def _altered(self, read: WeightRead, result: torch.Tensor) -> None:
        changed = cast("Alter", self.alter)(read, result)
        if changed is not None:
            self.altered |= read.owners
            if not self.openly:
                self.shadow.begin_twin(result)
            result.copy_(changed)


def _flattened(func: Any, args: Sequence[Any], kwargs: dict[str, Any], out: Any) -> Any:
    """The same where every unit has the mean slope."""
    slopes = func(torch.ones_like(args[0]), *args[1:], **kwargs)
    return args[0] * slopes.mean()
