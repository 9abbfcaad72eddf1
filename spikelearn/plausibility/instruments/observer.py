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
no tag, but it has no twin either: it is read changed, and shows as an effect. That something comes
in from out of sight is noticed (`unseen_numbers.py`), and what an effect then shows is told apart
(`sight.py` of the room). Patterns of a rule's own that it sends through the synapses are no
activity, and are read changed too (`own_patterns.py`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_map

from spikelearn.plausibility.instruments.own_patterns import matching
from spikelearn.plausibility.instruments.propagation import (
    origin_of,
    tensors_in,
    written,
)
from spikelearn.plausibility.instruments.provenance import Sources, TagTracking
from spikelearn.plausibility.instruments.shadow_memory import (
    NotAlike,
    ShadowMemory,
    WeightOrigin,
    union,
)
from spikelearn.plausibility.instruments.unseen_numbers import UnseenNumbers
from spikelearn.plausibility.instruments.watched_threads import into_threads
from spikelearn.plausibility.instruments.weight_reads import (
    BAGS,
    Alter,
    WeightRead,
    multiplications,
    of_bag,
    of_product,
    of_sum,
    operands,
)

# Derivatives of nonlinearities; the first argument is the signal.
_SLOPES = {
    f"aten::{which}_backward"
    for which in ("tanh", "sigmoid", "threshold", "elu", "hardtanh", "gelu", "silu", "leaky_relu",
                  "softplus", "hardsigmoid", "hardswish", "log_sigmoid")
}  # fmt: skip

# Derivatives that are no slope of a neuron's: of products and losses.
_NO_NEURON = ("convolution", "nll_loss", "mse_loss", "slice", "select")
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
    unseen : UnseenNumbers, optional
        Gathers what comes in without an operation having made it.

    Attributes
    ----------
    patterns : dict
        Rows that the rule sends through a layer's synapses and that are no activity
        (`own_patterns.py`), by layer: of those the change of weights is read forwards too.
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
        unseen: UnseenNumbers | None = None,
    ) -> None:
        super().__init__()
        self.follow_tags, self.keep_reads, self.alter = tags, keep_reads, alter
        self.inside, self.shapes = inside, shapes
        self.openly, self.send, self.flat_slopes = openly, send, flat_slopes
        self.unseen, self.patterns = unseen, dict[str, torch.Tensor]()
        self.shadow, self.sources = ShadowMemory(), Sources()
        self.tracking = TagTracking(self.shadow, self.sources, inside, units_of)
        self.declared: dict[str, torch.Tensor] = {}
        self.recognised: set[str] = set()  # names of weights that came back from out of sight
        self.altered: frozenset[str] = frozenset()  # owners of the reads that were changed
        self.reads: list[WeightRead] = []
        self.macs = 0
        self.n_operations = 0
        self.derivatives = 0
        self.writes: dict[int, list[torch.Tensor]] = {}
        self.write_tags: dict[int, list[int]] = {}
        self._one_at_a_time = threading.RLock()
        self._threads: list[contextlib.AbstractContextManager[None]] = []

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
            self.declared[name] = tensor.detach()
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
        if is_functorch_wrapped_tensor(tensor):
            return  # within torch.func: what it wraps has passed through operations below
        if self.follow_tags and tensor.numel():
            self.shadow.tag(tensor.detach(), self.sources.bit(name), add=True)

    def mark_batch(self, x: torch.Tensor, y: torch.Tensor, n_times: int, n_inputs: int) -> None:
        """Declare a batch's labels and samples, times or single inputs as sources of tags.

        Parameters
        ----------
        x : tensor of shape (batch, n_times * n_inputs)
        y : tensor of shape (batch,)
        n_times, n_inputs : int
            Steps that x is told in, and its inputs at each.
        """
        if not self.follow_tags:
            return
        self.mark(y, "label")
        self.tracking.n_samples = len(x)
        if self.tracking.units_of is not None:
            for j in range(n_inputs):
                self.mark(x.view(len(x), -1, n_inputs)[:, :, j], f"pre {j + 1}")
            return
        for i in range(len(x)):
            self.mark(x[i], f"sample {i + 1}")
        for t in range(n_times) if n_times > 1 else ():
            self.mark(x.view(len(x), n_times, -1)[:, t], f"time {t + 1}")

    def mark_biases(self, network: torch.nn.Module) -> None:
        """Declare a network's biases a source of tags: they drive it at rest."""
        for parameter in network.parameters():
            if parameter.ndim == 1:
                self.mark(parameter, "biases")

    def know(self, tensors: Iterable[torch.Tensor]) -> None:
        """Declare tensors to be there from the start, if what comes from elsewhere is gathered."""
        if self.unseen is not None:
            with _disable_current_modes():
                for tensor in tensors:
                    self.unseen.know(tensor.detach())

    def tags_of(self, tensor: torch.Tensor) -> frozenset[str]:
        """Sources that any element of a tensor may depend on."""
        return self.sources.of(union(self.shadow.tags(tensor.detach())))

    # --- The run.

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Carry out one operation, and follow it."""
        with self._one_at_a_time:
            return self._carried_out(func, args, kwargs or {})

    def __enter__(self) -> Any:
        """Watch, in the threads too that are started meanwhile."""
        self._threads.append(into_threads(self))
        self._threads[-1].__enter__()
        return super().__enter__()

    def __exit__(self, *raised: Any) -> None:
        """Watch no longer."""
        super().__exit__(*raised)
        self._threads.pop().__exit__(None, None, None)

    def _carried_out(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        name: str = func._schema.name
        self.n_operations += 1
        inputs = tensors_in((args, kwargs))
        arrived = self.unseen.before(func, args, kwargs) if self.unseen is not None else []
        for tensor, _ in arrived:
            self._recognise(tensor)
        read, factors = self._read(name, args, kwargs, inputs)
        mutated = written(func, args, kwargs)
        pattern = self._pattern(read)
        if read is not None and pattern is None:
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
        if pattern is not None and dual:
            # Activity is answered by the weights as they were; the rule's own patterns are not.
            result = mutated[0] if mutated else tensors_in(out)[0]
            result.copy_(torch.where(pattern, result, self.shadow.twin(result)))
        if self.unseen is not None:
            self.unseen.after(func, tensors_in(out), mutated)
        if self.follow_tags:
            self.tracking.after(func, name, args, kwargs, out, read, mutated)
            self._tag_arrived(arrived, mutated or tensors_in(out))
        self._inherit(out, origin, mutated, inputs)
        self._note(name, args, out, mutated)
        if read is not None and read.direction == "forwards" and self.alter is not None:
            self._altered(read, mutated[0] if mutated else tensors_in(out)[0])
        return out

    def _read(
        self, name: str, args: Sequence[Any], kwargs: dict[str, Any], inputs: list[torch.Tensor]
    ) -> tuple[WeightRead | None, Any]:
        """The reading of weights that an operation is, and where its factors stand."""
        read: WeightRead | None = None
        factors: Any = operands(name, args)
        if factors is not None:
            read = of_product(self.shadow, name, factors, args, self.keep_reads)
        elif name in _SUMS and self.shadow.any_origin(inputs):
            keeps = None if name == "aten::cumsum" else bool(kwargs.get("keepdim", args[2:3]))
            read, factors = of_sum(self.shadow, args, keeps, self.keep_reads), ((0, 0), (0, 0))
        elif name in BAGS and self.shadow.any_origin([args[0]]):
            read = of_bag(self.shadow, args, self.follow_tags)
            factors = None if read is None else ((0, 0), (1, 0), (2, 0))
        if read is not None and self.keep_reads:
            self.reads.append(read)
        return read, factors

    def _pattern(self, read: WeightRead | None) -> torch.Tensor | None:
        """Where the result of a read will answer a pattern that is no activity."""
        if read is None or read.direction != "forwards" or read.given is None:
            return None
        if not any(o in self.patterns for o in read.owners):
            return None
        return matching(self.patterns, read, self.shadow.twin(read.given))

    def _recognise(self, tensor: torch.Tensor | None) -> None:
        """Weights that went out of sight and came back as they were are these weights still."""
        if tensor is None:
            return
        for name, weight in self.declared.items():
            for original in (weight, weight.T) if weight.ndim == 2 else (weight,):
                if original.shape != tensor.shape or not weight.any():
                    continue
                if original.dtype != tensor.dtype or not torch.equal(original, tensor):
                    continue
                self.shadow.set_origin(tensor, self.shadow.origin(original))
                self.mark(tensor, name)
                if self.shadow.has_twin(original):
                    self.shadow.set_twin(tensor, self.shadow.twin(original))
                self.recognised.add(name)
                return

    def _tag_arrived(self, arrived: Any, results: list[torch.Tensor]) -> None:
        for tensor, movers in arrived:
            for mover in movers:
                for reached in [tensor] if tensor is not None else []:
                    self.mark(reached, f"unseen {mover}")
                for result in results:
                    self.mark(result, f"unseen {mover}")

    def look_at(self, tensor: torch.Tensor) -> None:
        """Look at a tensor that no operation has read yet, such as an update that was left."""
        if self.unseen is not None:
            with _disable_current_modes():
                for mover in self.unseen.look_at(tensor) or ():
                    self.mark(tensor, f"unseen {mover}")

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
                swapped[p] = read.inserted(instead)
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
                    raise NotAlike(
                        f"a change of values changes how many there are, from {tuple(value.shape)}"
                        f" to {tuple(result.shape)} in {func}; the audit compares like with like"
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
        self.derivatives += plain.endswith("_backward") and not plain.startswith(_NO_NEURON)
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
