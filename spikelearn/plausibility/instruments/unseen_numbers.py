"""Numbers that come into an update without any observed operation having made them.

Whatever a rule computes where torch's operations cannot be observed (in NumPy, with Python's own
numbers, in a process, in compiled code), what it found must come back as numbers. So every number
that an observed operation reads is compared with what observed operations have left in that place:
memory that is not known, or holds something else by now, and every Python number that an operation
is given, is an arrival. Constants arrive too; what tells is whether an arrival is another where the
stimulus, the labels, the noise or the weights are. Those that are get a tag in a second run, by
which it is seen whether they reach the update.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spikelearn.plausibility.instruments.propagation import tensors_in
from spikelearn.plausibility.instruments.shadow_memory import storage_of

# Not the rule's: a line in one of these is no place that a reader would look at.
_NOT_THEIRS = (str(Path(torch.__file__).parent), str(Path(np.__file__).parent),
               str(Path(copy.__file__).parent), str(Path(__file__).parents[1]))  # fmt: skip
ARRAY, OVERWRITTEN, NUMBER = (
    "an array from outside torch", "memory that something else has written into",
    "a number of Python's",
)  # fmt: skip
_OVERWRITING = {"aten::copy_", "aten::fill_", "aten::zero_", "aten::set_"}
# Their numbers say how much there is.
_SIZED = {"aten::arange", "aten::one_hot", "aten::bincount", "aten::eye"}


@dataclass(frozen=True)
class Arrival:
    """Numbers that came from where nothing is observed.

    Attributes
    ----------
    operation : int
        Which operation of the update read them.
    kind : str
        `ARRAY`, `OVERWRITTEN` or `NUMBER`.
    values : bytes
    place : str
        File and line that had the operation done.
    """

    operation: int
    kind: str
    values: bytes
    place: str


@dataclass
class UnseenNumbers:
    """What arrives in one update.

    Parameters
    ----------
    moved : dict, optional
        Of the number of an arrival: what moves it; such are given tags.
    """

    moved: Mapping[int, frozenset[str]] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    _known: dict[int, tuple[torch.UntypedStorage, torch.Tensor]] = field(default_factory=dict)

    def know(self, tensor: torch.Tensor) -> None:
        """What a tensor's memory holds now is known."""
        storage = _storage(tensor)
        if storage is not None:
            self._known[storage.data_ptr()] = (storage, _bytes(storage).clone())

    def before(
        self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> list[tuple[torch.Tensor | None, frozenset[str]]]:
        """Look at what an operation is about to read.

        Parameters
        ----------
        func : OpOverload
            The operation.
        args, kwargs : sequence, dict
            What it is given.

        Returns
        -------
        list of (tensor or None, set of str)
            What arrives, and what moves it; None for a number of Python's.
        """
        name = func._schema.name
        self.names.append(name)
        # What is overwritten as a whole is not read.
        given = tensors_in((args[1:] if name in _OVERWRITING else args, kwargs))
        found = [(t, moved) for t in given if (moved := self.look_at(t)) is not None]
        # How much there is, and where, enters nothing: lists of numbers are sizes and axes, and
        # whole numbers beside whole numbers are places.
        places = bool(given) and not any(t.is_floating_point() or t.is_complex() for t in given)
        numbers = () if name in _SIZED or places else _numbers([*args, *kwargs.values()])
        if not numbers:
            return list(found)
        return [*found, (None, self._arrive(NUMBER, repr(numbers).encode()))]

    def look_at(self, tensor: torch.Tensor) -> frozenset[str] | None:
        """What moves a tensor that nothing observed has made as it is; None, if it is known."""
        storage = _storage(tensor)
        if storage is None:
            return None
        known = self._known.get(storage.data_ptr())
        same_place = known is not None and known[1].numel() == storage.nbytes()
        if known is not None and same_place and torch.equal(_bytes(storage), known[1]):
            return None
        self.know(tensor)
        values = tensor.detach().resolve_conj().resolve_neg().contiguous().clone()
        kind = OVERWRITTEN if same_place else ARRAY
        return self._arrive(kind, bytes(_bytes(values.untyped_storage()).numpy()))

    def after(
        self, func: Any, results: Sequence[torch.Tensor], written: Sequence[torch.Tensor]
    ) -> None:
        """Know what an operation has made, and what it has written into.

        Parameters
        ----------
        func : OpOverload
            The operation.
        results, written : sequence of tensors
        """
        if func._schema.name == "aten::set_":
            return  # memory that is given to a tensor is looked at where it is read
        for result in results:
            storage = _storage(result)
            # A view lies in memory that was looked at before.
            if storage is not None and storage.data_ptr() not in self._known:
                self.know(result)
        for tensor in written:
            self.know(tensor)

    def _arrive(self, kind: str, values: bytes) -> frozenset[str]:
        number = len(self.arrivals)
        self.arrivals.append(Arrival(len(self.names), kind, values, _place()))
        return self.moved.get(number, frozenset())


def moved_arrivals(
    base: UnseenNumbers, others: Mapping[str, UnseenNumbers]
) -> dict[int, frozenset[str]]:
    """Numbers of the arrivals that are others in other runs, and the names of these runs.

    Parameters
    ----------
    base : UnseenNumbers
    others : mapping of str to UnseenNumbers
        Of runs in which something was changed, by its name.
    """
    moved: dict[int, set[str]] = {}
    for name, other in others.items():
        alike = base.names == other.names and len(base.arrivals) == len(other.arrivals)
        elsewhere = {(a.kind, a.values) for a in other.arrivals}
        for number, arrival in enumerate(base.arrivals):
            if alike:
                same = arrival.values == other.arrivals[number].values
            else:  # other operations were done: is there such an arrival at all?
                same = (arrival.kind, arrival.values) in elsewhere
            if not same:
                moved.setdefault(number, set()).add(name)
    return {number: frozenset(names) for number, names in moved.items()}


def _storage(tensor: torch.Tensor) -> torch.UntypedStorage | None:
    if tensor._is_zerotensor() or tensor.device.type != "cpu":
        return None
    storage = storage_of(tensor)
    return storage if storage.nbytes() else None


def _bytes(storage: torch.UntypedStorage) -> torch.Tensor:
    return torch.empty(0, dtype=torch.uint8).set_(storage)


def _numbers(given: Sequence[Any]) -> tuple[Any, ...]:
    """The Python numbers among arguments."""
    return tuple(n for n in given if isinstance(n, bool | int | float | complex))


def _place() -> str:
    frame: Any = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith((*_NOT_THEIRS, "<")):
            return f"{Path(file).name}, line {frame.f_lineno}"
        frame = frame.f_back
    return ""
