"""Of which neurons the membrane potential is recorded, as users say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError, nearest
from spikelearn.networks.spiking import SpikingNetwork

MOST_LISTED = 10_000  # neurons that a provenance lists


def recorded_given(record: Any, network: SpikingNetwork) -> dict[str, np.ndarray | None]:
    """Populations whose potential is recorded, with the neurons that are chosen; None for all.

    Parameters
    ----------
    record : str, sequence of str, or mapping
        Names; or neurons by name: a number, a list of numbers, a slice, or None for all.
    network : SpikingNetwork

    Raises
    ------
    SpikelearnError
        Where there is no such population or neuron, or it cannot be read.
    """
    if record is None:
        return {}
    named = {record: None} if isinstance(record, str) else record
    if isinstance(named, bool) or not isinstance(named, Iterable):
        raise SpikelearnError(
            "record is the name of a population, a list of names, or neurons by name as in"
            f" {{'{next(iter(network.neurons))}': [0, 1]}}, found {record!r:.60}"
        )
    chosen = dict(named) if isinstance(named, Mapping) else dict.fromkeys(named)
    for name in chosen:
        if name not in network.neurons:
            raise SpikelearnError(
                f"cannot record the potential of '{name}'; {nearest(str(name), network.neurons)}"
                " (of neurons, spikes and membrane potentials are recorded, and nothing else)"
            )
    return {
        name: _neurons(name, which, network.neurons[name].size) for name, which in chosen.items()
    }


def _neurons(name: str, which: Any, size: int) -> np.ndarray | None:
    """The neurons that are chosen of a population, each once, in the order that was given."""
    if which is None:
        return None
    if isinstance(which, slice):
        try:
            return np.arange(size)[which]
        except TypeError:
            raise SpikelearnError(
                f"record: a slice of '{name}' is made of whole numbers, found {which}"
            ) from None
    given = [which] if isinstance(which, Integral) else which
    listed = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    wrong = [n for n in listed if isinstance(n, bool | np.bool_) or not isinstance(n, Integral)]
    if wrong:
        raise SpikelearnError(
            f"record: neurons of '{name}' are whole numbers, a list of them or a slice, found"
            f" {wrong[0]!r:.60}"
        )
    outside = [n for n in listed if not 0 <= n < size]
    if outside:
        raise SpikelearnError(
            f"record: there is no neuron {outside[0]} in '{name}'; they are 0 to {size - 1}"
        )
    if len(set(listed)) < len(listed):
        raise SpikelearnError(f"record: each neuron of '{name}' is named once")
    return np.array(listed, dtype=np.int64)


def told(chosen: Mapping[str, np.ndarray | None]) -> dict[str, Any]:
    """What a provenance says of them: nothing where all neurons are recorded."""
    some = {name: which for name, which in chosen.items() if which is not None}
    listed = {
        name: which.tolist() if which.size <= MOST_LISTED else f"{which.size} neurons"
        for name, which in some.items()
    }
    return {"recorded_neurons": listed} if listed else {}
