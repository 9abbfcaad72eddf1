"""NumPy archives: `metadata` as JSON, and the arrays by number in the order it names them.

`population_0_times_ms`, `population_0_senders` and `population_0_trials` belong to the first
population, `state_0` and `state_0_times_ms` to the first recorded state, `weights_0` to the first
weights, a matrix of source by target neurons or a row of source, target and weight for each
synapse; `weights_0_unit` is their unit.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.spikes import two_columns
from spikelearn.spikes.metadata import array_bytes, describe, parse, rebuild, weight_arrays
from spikelearn.spikes.of_others import note, refuse

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity
    from spikelearn.spikes.of_others import Given

COMPLETE = True  # states and weights are kept too
TAKES = two_columns.TAKES
HELD_BYTES = 0  # of memory for each spike: written in pieces

_FIELDS = ("times_ms", "senders", "trials")


def save(activity: Activity, path: Path) -> None:
    """Write the activity to `path`."""
    arrays = {"metadata": np.array(describe(activity))}
    for i, spikes in enumerate(activity.populations.values()):
        for field in _FIELDS:
            arrays[f"population_{i}_{field}"] = getattr(spikes, field)
    for i, (name, state) in enumerate(activity.states.items()):
        arrays[f"state_{i}"] = np.asarray(state)
        arrays[f"state_{i}_times_ms"] = activity.state_times_ms(name)
    for i, array in enumerate(weight_arrays(activity).values()):
        arrays[f"weights_{i}"] = array
    for i, unit in enumerate(activity.weight_units.values()):
        arrays[f"weights_{i}_unit"] = np.array(unit)
    # An open file: given a name, NumPy appends its own suffix to any other.
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def expected_bytes(activity: Activity) -> float:
    """How large the file will be, about: times on a grid and neurons are pressed well."""
    return 5e3 + 3.5 * activity.n_spikes + 20 * activity.n_trials + array_bytes(activity)


def load(path: Path, **given: Unpack[Given]) -> Activity:
    """Read what `save` wrote, or another's arrays of times and neurons."""
    # An open file again: NumPy leaves one of its own open when it finds the archive damaged.
    with path.open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return two_columns.from_arrays({"its array": stored}, "NPY", given)
        with stored as archive:
            meta = _metadata(archive)
            if meta is None:
                return _of_others(archive, given)
            refuse(given)
            populations = {
                name: PopulationSpikes.from_unsorted(
                    size, *(archive[f"population_{i}_{field}"] for field in _FIELDS)
                )
                for i, (name, size) in enumerate(meta["populations"].items())
            }
            return rebuild(
                meta,
                populations,
                states=[archive[f"state_{i}"] for i in range(len(meta["states"]))],
                weights=[archive[f"weights_{i}"] for i in range(len(meta["weights"]))],
            )


def _of_others(archive: Any, given: Given) -> Activity:
    """Another's arrays, without those of Python's objects, which are made by running the file.

    Raises
    ------
    SpikelearnError
        If times and neurons are not among the others.
    """
    stored = {name: _array(archive, name) for name in archive}
    arrays = {name: array for name, array in stored.items() if array is not None}
    closed = [name for name, array in stored.items() if array is None]
    if not closed:
        return two_columns.from_arrays(arrays, "NPZ", given)
    why = (
        f"{', '.join(closed)} holds objects of Python, which could run any code when they are read"
    )
    try:
        activity = two_columns.from_arrays(arrays, "NPZ", given)
    except SpikelearnError as error:
        raise SpikelearnError(
            f"{error}; its {why}: save numbers, as np.savez(path, time_ms=times, neuron=neurons)"
            " does"
        ) from None
    note([f"left out: {why}"])
    return activity


def _metadata(archive: Any) -> dict[str, Any] | None:
    stored = _array(archive, "metadata") if "metadata" in archive else None
    return parse(str(stored)) if stored is not None and stored.dtype.kind == "U" else None


def _array(archive: Any, name: str) -> np.ndarray | None:
    """An array of the archive; None of one that holds objects of Python."""
    try:
        return np.asarray(archive[name])
    except ValueError as error:
        if "allow_pickle" in str(error):
            return None
        raise
