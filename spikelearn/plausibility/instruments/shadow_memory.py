"""Shadow memory: what the audit knows of every number that torch holds.

Knowledge is kept by place in memory (storage and offset), not by tensor object. Views, tensors that
automatic differentiation saves and hands out again, and arrays shared with NumPy are other objects
on the same memory, and are found without anything being done for them. Storages are held as long as
the shadow lives, so that an address means one thing only.

Three things may be known of a number: tags (which sources it may depend on; bits), the synapse it
is the weight of (index of the postsynaptic and of the presynaptic unit, and which weights), and its
twin: the value that it would have without the intervention under way.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from spikelearn._errors import SpikelearnError


class NotAlike(SpikelearnError):
    """What is changed has another shape than its twin: the two cannot be compared."""


@dataclass
class WeightOrigin:
    """That the numbers of a storage are weights, or made of weights one by one.

    Attributes
    ----------
    post, pre : int tensor, flat
        Index of the unit at either end of the synapse; -1 for none.
    owners : frozenset of str
        Names of the weights.
    mixed : bool
        Whether each weight has met another number, such as a signal that a sum is to follow.
    events : bool
        Whether the weights were looked up by who spiked.
    met : pair of tensors, optional
        Of a product element by element: the weights, and the signal that they have met, both in
        the product's shape.
    """

    post: torch.Tensor
    pre: torch.Tensor
    owners: frozenset[str]
    mixed: bool = False
    events: bool = False
    met: tuple[torch.Tensor, torch.Tensor] | None = None


@dataclass
class _Place:
    storage: torch.UntypedStorage
    itemsize: int
    n: int
    tags: torch.Tensor | None = None
    origin: WeightOrigin | None = None
    twin: torch.Tensor | None = None


class ShadowMemory:
    """Tags, origins and twins of tensors, by their place in memory."""

    def __init__(self) -> None:
        self._places: dict[int, _Place] = {}

    def _find(self, tensor: torch.Tensor) -> _Place | None:
        if _nowhere(tensor):
            return None
        return self._places.get(storage_of(tensor).data_ptr())

    def _place(self, tensor: torch.Tensor) -> _Place:
        storage = storage_of(tensor)
        place = self._places.get(storage.data_ptr())
        if place is None:
            itemsize = tensor.element_size()
            n = storage.nbytes() // itemsize
            place = self._places[storage.data_ptr()] = _Place(storage, itemsize, n)
        return place

    def hold(self, tensor: torch.Tensor) -> None:
        """Know of a tensor that was just made: nothing yet."""
        storage = storage_of(tensor)
        if storage.nbytes():
            itemsize = tensor.element_size()
            n = storage.nbytes() // itemsize
            self._places[storage.data_ptr()] = _Place(storage, itemsize, n)

    def shares(self, tensor: torch.Tensor, others: list[torch.Tensor]) -> bool:
        """Whether a tensor lies in the memory of one of the others."""
        key = storage_of(tensor).data_ptr()
        return any(key == storage_of(other).data_ptr() for other in others)

    # --- Tags.

    def tags(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """Bits of each element; None where there are none."""
        place = self._find(tensor)
        if place is None or place.tags is None:
            return None
        if place.itemsize != tensor.element_size():
            seen = _part(place, tensor)
            if seen is not None:
                return seen
            # Numbers of another size in the same memory: what is known of any holds for all.
            return torch.full(tuple(tensor.shape), _union(place.tags), dtype=torch.int64)
        return _view(place.tags, tensor)

    def tag(self, tensor: torch.Tensor, bits: torch.Tensor | int, add: bool = False) -> None:
        """Set the bits of each element, or add to them.

        Parameters
        ----------
        tensor : tensor
        bits : int tensor of the same shape, or int
            Of each element; one number for all.
        add : bool
            Whether the bits that are there stay.
        """
        if not tensor.numel() or _nowhere(tensor):
            return
        place = self._place(tensor)
        if place.tags is None:
            if isinstance(bits, int) and not bits:
                return
            place.tags = torch.zeros(place.n, dtype=torch.int64)
        if place.itemsize != tensor.element_size():
            place.tags |= _union(bits)
            return
        view = _view(place.tags, tensor)
        if isinstance(bits, int):
            bits = torch.full(tuple(tensor.shape), bits, dtype=torch.int64)
        view.copy_(view | bits if add else bits.expand(tensor.shape))

    # --- Origins and twins.

    def origin(self, tensor: torch.Tensor) -> WeightOrigin | None:
        """Ends of the synapses in the tensor's shape."""
        place = self._find(tensor)
        if place is None or place.origin is None or place.itemsize != tensor.element_size():
            return None
        known = place.origin
        ends = (_view(known.post, tensor), _view(known.pre, tensor))
        met = known.met if known.met and known.met[0].shape == tensor.shape else None
        return WeightOrigin(*ends, known.owners, known.mixed, known.events, met)

    def set_origin(self, tensor: torch.Tensor, origin: WeightOrigin | None) -> None:
        """Declare what synapses the elements are of; None: of none."""
        if _nowhere(tensor):
            return
        place = self._place(tensor)
        if origin is None:
            place.origin = None
            return
        if place.origin is None:
            empty = torch.full((place.n,), -1, dtype=torch.int64)
            place.origin = WeightOrigin(empty, empty.clone(), origin.owners)
        _view(place.origin.post, tensor).copy_(origin.post)
        _view(place.origin.pre, tensor).copy_(origin.pre)
        place.origin.owners, place.origin.mixed = origin.owners, origin.mixed
        place.origin.events, place.origin.met = origin.events, origin.met

    def any_origin(self, tensors: list[torch.Tensor]) -> bool:
        """Whether any of the tensors lies where weights are."""
        for tensor in tensors:
            place = self._find(tensor)
            if place is not None and place.origin is not None:
                return True
        return False

    def has_twin(self, tensor: torch.Tensor) -> bool:
        """Whether an intervention may have changed the tensor."""
        place = self._find(tensor)
        return place is not None and place.twin is not None

    def twin(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor as it would be without the intervention: a view to be written through."""
        place = self._find(tensor)
        if place is None or place.twin is None:
            return tensor
        # Seen as another type (a complex number's two parts), the same bytes serve.
        flat = place.twin.view(tensor.dtype) if place.twin.dtype != tensor.dtype else place.twin
        return _view(flat, tensor)

    def begin_twin(self, tensor: torch.Tensor) -> torch.Tensor:
        """A twin that starts as a copy of the tensor's memory as it is."""
        if _nowhere(tensor):
            return tensor.clone()
        place = self._place(tensor)
        if place.twin is None:
            flat = torch.empty(0, dtype=tensor.dtype).set_(place.storage)
            place.twin = flat.clone()
        return self.twin(tensor)

    def set_twin(self, tensor: torch.Tensor, value: torch.Tensor) -> None:
        """Give a tensor a twin."""
        self.begin_twin(tensor).copy_(value)

    def drop_twin(self, tensor: torch.Tensor) -> None:
        """Forget the twin of a tensor."""
        place = self._find(tensor)
        if place is not None:
            place.twin = None


def storage_of(tensor: torch.Tensor) -> torch.UntypedStorage:
    """Memory that a tensor's numbers lie in.

    Raises
    ------
    SpikelearnError
        If some of them lie nowhere, as those of a sparse tensor.
    """
    if tensor.layout is not torch.strided:
        which = str(tensor.layout).removeprefix("torch.").replace("_", " ")
        raise SpikelearnError(
            f"the audit follows tensors that hold all their numbers, and a rule makes one that is"
            f" {which}; it can be audited with a dense tensor and a mask instead"
        )
    return tensor.untyped_storage()


def _nowhere(tensor: torch.Tensor) -> bool:
    """Whether there are no numbers in memory: zeros of torch's own, and shapes alone."""
    return tensor._is_zerotensor() or tensor.is_meta


def _part(place: _Place, tensor: torch.Tensor) -> torch.Tensor | None:
    """Tags of the real or imaginary parts of complex numbers, which are theirs."""
    times = place.itemsize // tensor.element_size()
    if times != 2 or place.tags is None or any(s % 2 for s in tensor.stride()):
        return None
    strides = [s // 2 for s in tensor.stride()]
    return place.tags.as_strided(tensor.size(), strides, tensor.storage_offset() // 2)


def _view(flat: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    return flat.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())


def union(bits: torch.Tensor | int | None) -> int:
    """All bits that any element has."""
    return 0 if bits is None else _union(bits)


def or_along(bits: torch.Tensor, axes: list[int], keep: bool) -> torch.Tensor:
    """Bitwise or along axes.

    Parameters
    ----------
    bits : int tensor
    axes : list of int
    keep : bool
        Whether the axes stay, with length 1.
    """
    axes = sorted({a % bits.ndim for a in axes}, reverse=True) if bits.ndim else []
    for axis in axes:
        parts = list(bits.unbind(axis))
        total = parts[0].clone() if parts else torch.zeros_like(bits.sum(axis))
        for part in parts[1:]:
            total |= part
        bits = total.unsqueeze(axis) if keep else total
    return bits


def _union(bits: torch.Tensor | int) -> int:
    if isinstance(bits, int):
        return bits
    total = 0
    for value in bits.unique().tolist():
        total |= value
    return total
