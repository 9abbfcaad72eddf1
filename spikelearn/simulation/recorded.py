"""Of which neurons the membrane potential is recorded and how often, as users say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any

import numpy as np

from spikelearn._arguments import check_numbers, in_few
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._time_steps import in_steps
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.grid.network import GridNetwork

MOST_LISTED = 10_000  # neurons that a provenance lists
_NUMBER = r"\d{1,18}"
_NUMBERS = re.compile(rf"{_NUMBER}(,{_NUMBER})*")
_SLICE = re.compile(rf"(-?{_NUMBER}|):(-?{_NUMBER}|)(?::(-?{_NUMBER}|))?")


def recorded_given(record: Any, network: SpikingNetwork) -> dict[str, np.ndarray | None]:
    """Populations whose potential is recorded, with the neurons that are chosen; None for all.

    Parameters
    ----------
    record : str, sequence of str, or mapping
        Names; or neurons by name: a number, a list of numbers, a slice, the text of one of these,
        as "0,5" or "0:100:10", an array that says of each neuron whether it is chosen, or None
        for all.
    network : SpikingNetwork

    Raises
    ------
    SpikelearnError
        Where there is no such population or neuron, or it cannot be read.
    """
    if record is None:
        return {}
    given = record.tolist() if isinstance(record, np.ndarray) else record
    named = {given: None} if isinstance(given, str) else given
    if isinstance(named, bool | bytes) or not isinstance(named, Iterable):
        raise SpikelearnError(
            "record is the name of a population, a list of names, or neurons by name as in"
            f" {{'{next(iter(network.neurons))}': [0, 1]}}, found {in_few(record)}"
        )
    names = list(named)
    for name in names:
        if not isinstance(name, str) or name not in network.neurons:
            told = in_few(name)
            near = nearest(name if isinstance(name, str) else told, network.neurons)
            raise SpikelearnError(
                f"cannot record the potential of {told}; {near}"
                " (of neurons, spikes and membrane potentials are recorded, and nothing else)"
            )
    chosen = dict(named) if isinstance(named, Mapping) else dict.fromkeys(names)
    return {
        name: _neurons(name, which, network.neurons[name].size) for name, which in chosen.items()
    }


def recorded_every(
    record_every_ms: float | None, chosen: Mapping[str, Any], duration_ms: float, dt_ms: float
) -> int:
    """Steps from one record of potentials to the next; 1 where nothing is said.

    Parameters
    ----------
    record_every_ms : float, optional
        The time between two records, in ms.
    chosen : mapping
        What is recorded.
    duration_ms, dt_ms : float
        Of a trial, and its time step.

    Raises
    ------
    SpikelearnError
        Where that is no whole number of steps from 1 to the whole trial, or nothing is recorded.
    """
    if record_every_ms is None:
        return 1
    check_numbers(record_every_ms=record_every_ms)
    if not chosen:
        raise SpikelearnError(
            f"record_every_ms says how often potentials are recorded, found {record_every_ms:g},"
            " and none are; name populations in record"
        )
    if not dt_ms <= record_every_ms * (1 + 1e-9) <= duration_ms * (1 + 2e-9):
        raise SpikelearnError(
            f"record_every_ms must be from one time step, {dt_ms:g} ms, to the duration,"
            f" {duration_ms:g} ms, found {record_every_ms:g} ms"
        )
    return in_steps(record_every_ms, dt_ms, "record_every_ms")


def check_recorded(states: Mapping[str, np.ndarray], grid: GridNetwork, backend: str) -> None:
    """Refuse what a backend gives that is not what was to be recorded.

    Parameters
    ----------
    states : mapping of str to array
        What it gave of a whole run.
    grid : GridNetwork
        What it was given.
    backend : str
        Its name.

    Raises
    ------
    SpikelearnError
    """
    for name in grid.record_potential:
        n_neurons = grid.of_chosen(name, np.empty(grid.neurons[name].size)).size
        asked = (grid.n_trials, grid.n_recorded(grid.n_steps), n_neurons)
        found = np.shape(states[f"{name}.v_mv"]) if f"{name}.v_mv" in states else "none"
        if found != asked:
            raise SpikelearnError(
                f"backend '{backend}' gives potentials of '{name}' of shape {found}, where those"
                f" that are recorded have shape {asked}; GridNetwork.recorded takes them from those"
                " of all neurons at all steps"
            )


def neurons_of_text(text: str) -> list[int] | slice | None:
    """Neurons as they are written: "0,5", or from, to and step as in "0:100:10".

    Parameters
    ----------
    text : str

    Returns
    -------
    list of int, slice or None
        None where it says none.
    """
    if _NUMBERS.fullmatch(text):
        return [int(number) for number in text.split(",")]
    if (parts := _SLICE.fullmatch(text)) and parts[3] not in ("0", "-0"):
        return slice(
            *(int(part) if part not in (None, "", "-") else None for part in parts.groups())
        )
    return None


def _neurons(name: str, which: Any, size: int) -> np.ndarray | None:
    """The neurons that are chosen of a population, each once, in the order that was given."""
    if isinstance(which, str):
        which = neurons_of_text(which) or which
    if which is None:
        return None
    if isinstance(which, slice):
        try:
            listed_by = np.arange(size)[which]
        except (TypeError, ValueError):  # the latter of a step of 0
            raise SpikelearnError(
                f"record: a slice of '{name}' is made of whole numbers, its step not 0, found"
                f" {which}"
            ) from None
        return _some(name, listed_by, which, size)
    array = np.asarray(which) if hasattr(which, "dtype") else None
    if array is not None and array.dtype == bool and array.ndim:
        if array.shape != (size,):
            shape = " x ".join(map(str, array.shape))
            raise SpikelearnError(
                f"record: an array of truths says of each neuron of '{name}', of which there"
                f" {'is 1' if size == 1 else f'are {size}'}, whether it is chosen; found {shape}"
            )
        return _some(name, np.flatnonzero(array), which, size)
    given = which if array is None else array.tolist()
    is_list = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    listed = list(given) if is_list else [given]
    wrong = [n for n in listed if isinstance(n, bool | np.bool_) or not isinstance(n, Integral)]
    if wrong:
        raise SpikelearnError(
            f"record: neurons of '{name}' are whole numbers, a list of them or a slice, found"
            f" {in_few(wrong[0])}"
        )
    outside = [n for n in listed if not 0 <= n < size]
    if outside:
        raise SpikelearnError(
            f"record: there is no neuron {in_few(outside[0])} in '{name}'; {_numbered(size)}"
        )
    if len(set(listed)) < len(listed):
        raise SpikelearnError(f"record: each neuron of '{name}' is named once")
    return _some(name, np.array(listed, dtype=np.int64), which, size)


def _some(name: str, chosen: np.ndarray, which: Any, size: int) -> np.ndarray:
    """Neurons that were chosen, of which there must be one."""
    if not chosen.size:
        raise SpikelearnError(
            f"record: no neuron of '{name}' is chosen by {in_few(which)}; {_numbered(size)}"
        )
    return chosen


def _numbered(size: int) -> str:
    return "it has one, 0" if size == 1 else f"they are 0 to {size - 1}"


def told(chosen: Mapping[str, np.ndarray | None]) -> dict[str, Any]:
    """What a provenance says of them: nothing where all neurons are recorded."""
    some = {name: which for name, which in chosen.items() if which is not None}
    listed = {
        name: which.tolist() if which.size <= MOST_LISTED else f"{which.size} neurons"
        for name, which in some.items()
    }
    return {"recorded_neurons": listed} if listed else {}
