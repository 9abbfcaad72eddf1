"""MATLAB files, version 5: `activity`, a struct, for MATLAB and Octave.

activity.duration_ms, .dt_ms, .n_trials, .labels (cell array)
activity.populations(k).name, .size, .times_ms, .neurons, .trials    columns, counted from 1
activity.states(k).name, .values, .unit     trials x times x neurons
activity.states(k).times_ms                 a column: from the start of a trial
activity.weights(k).name, .values, .unit    source neurons x target neurons; or a row a synapse:
                                            source and target neuron, and weight
activity.metadata                           the same and the provenance, as JSON
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from scipy.io import savemat
from scipy.io.matlab import MatlabFunction, MatlabOpaque, mat_struct

from spikelearn._errors import SpikelearnError
from spikelearn._mat_files import load_mat
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn.spikes import mat_hdf5, two_columns
from spikelearn.spikes.metadata import (
    array_bytes,
    describe,
    is_by_synapse,
    parse,
    rebuild,
    weight_arrays,
)
from spikelearn.spikes.of_others import refuse
from spikelearn.spikes.units import state_unit

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity
    from spikelearn.spikes.of_others import Given

COMPLETE = True  # states and weights are kept too
TAKES = two_columns.TAKES
_FIRST = np.array([1.0, 1.0, 0.0])  # source, target, weight of a synapse
HELD_BYTES = 60  # of memory for each spike: the library holds all of a file


def save(activity: Activity, path: Path) -> None:
    """Write the activity to `path`."""
    populations = [
        {
            "name": _plain(name),
            "size": float(spikes.size),
            "times_ms": spikes.times_ms[:, None],
            "neurons": spikes.senders[:, None] + 1.0,
            "trials": spikes.trials[:, None] + 1.0,
        }
        for name, spikes in activity.populations.items()
    ]
    labels = np.empty((len(activity.labels), 1), dtype=object)
    labels[:, 0] = [_plain(label) for label in activity.labels]
    units = {name: state_unit(name).name or "dimensionless" for name in activity.states}
    content = {
        "duration_ms": float(activity.duration_ms),
        "dt_ms": float(activity.dt_ms),
        "n_trials": float(activity.n_trials),
        "labels": labels,
        "populations": _structs(populations, ["name", "size", "times_ms", "neurons", "trials"]),
        "states": _structs(_with_times(activity, units), ["name", "values", "unit", "times_ms"]),
        "weights": _structs(
            _named(_from_one(activity), activity.weight_units), ["name", "values", "unit"]
        ),
        "metadata": json.dumps(json.loads(describe(activity))),  # nothing beyond ASCII
    }
    with path.open("wb") as file:
        savemat(file, {"activity": content}, do_compression=True)


def expected_bytes(activity: Activity) -> float:
    """How large the file will be, about: times on a grid and neurons are pressed well."""
    return 5e3 + 3.5 * activity.n_spikes + 20 * activity.n_trials + array_bytes(activity)


def load(path: Path, **given: Unpack[Given]) -> Activity:
    """Read what `save` wrote, or another's arrays of times and neurons."""
    if mat_hdf5.is_such(path):
        return two_columns.from_arrays(mat_hdf5.arrays(path), "MAT", given)
    content = load_mat(path, squeeze_me=False, struct_as_record=False)
    record, meta = _ours(content)
    if meta is None:
        return two_columns.from_arrays(_arrays(content), "MAT", given)
    refuse(given)
    populations = {
        name: PopulationSpikes.from_unsorted(
            size,
            struct.times_ms.ravel(),
            struct.neurons.ravel().astype(np.int64) - 1,
            struct.trials.ravel().astype(np.int64) - 1,
        )
        for (name, size), struct in zip(
            meta["populations"].items(), record.populations.ravel(), strict=True
        )
    }
    return rebuild(
        meta,
        populations,
        states=[struct.values for struct in record.states.ravel()],
        weights=[
            struct.values.reshape(-1, _FIRST.size) - _FIRST
            if is_by_synapse(form)
            else struct.values
            for form, struct in zip(meta["weights"].values(), record.weights.ravel(), strict=True)
        ],
    )


def _ours(content: Mapping[str, Any]) -> tuple[Any, dict[str, Any] | None]:
    """The struct that `save` wrote, and what it says of itself; None where there is none."""
    stored = content.get("activity")
    shape = getattr(stored, "shape", None)
    record = stored[0, 0] if stored is not None and shape == (1, 1) else None
    text = getattr(record, "metadata", None)
    return record, parse(str(text[0])) if text is not None and len(text) else None


def _arrays(content: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Arrays by name, and the fields of structs, as in data.times.

    Raises
    ------
    SpikelearnError
        If it holds only what MATLAB alone can read.
    """
    found, closed = {}, []
    for name, value in content.items():
        if name.startswith("__"):
            continue
        if isinstance(value, MatlabOpaque | MatlabFunction):
            closed.append(name)
        elif value.size and all(isinstance(one, mat_struct) for one in value.flat):
            found.update(_fields(name, value))
        else:
            found[name] = value
    if closed and not found:
        raise SpikelearnError(
            f"{', '.join(closed)} is a table or object, which MATLAB alone can read; save its"
            " columns as arrays"
        )
    return found


def _fields(name: str, structs: np.ndarray) -> dict[str, np.ndarray]:
    """Fields of a struct, or of each struct of a list, as cells."""
    fields = structs.flat[0]._fieldnames
    if structs.size == 1:
        return {f"{name}.{field}": getattr(structs.flat[0], field) for field in fields}
    found = {}
    for field in fields:
        cells = np.empty(structs.size, dtype=object)
        cells[:] = [getattr(one, field) for one in structs.flat]
        found[f"{name}.{field}"] = cells
    return found


def _plain(text: str) -> str:
    """Text of characters that MATLAB has, which are 16 bits long."""
    return "".join(c if ord(c) < 2**16 else f"\\U{ord(c):08x}" for c in text)


def _from_one(activity: Activity) -> dict[str, np.ndarray]:
    """Weights with their neurons counted as MATLAB does."""
    arrays = weight_arrays(activity)
    return {
        name: arrays[name] + _FIRST if isinstance(weights, SynapticWeights) else arrays[name]
        for name, weights in activity.weights.items()
    }


def _named(arrays: Mapping[str, np.ndarray], units: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": _plain(name), "values": np.asarray(array), "unit": _plain(units[name])}
        for name, array in arrays.items()
    ]


def _with_times(activity: Activity, units: Mapping[str, str]) -> list[dict[str, Any]]:
    """Recorded states with their times."""
    return [
        {**struct, "times_ms": activity.state_times_ms(name)[:, None]}
        for name, struct in zip(activity.states, _named(activity.states, units), strict=True)
    ]


def _structs(items: list[dict[str, Any]], fields: list[str]) -> np.ndarray:
    """A struct array, empty ones included."""
    structs = np.empty((len(items), 1), dtype=[(field, object) for field in fields])
    for index, item in enumerate(items):
        for field in fields:
            structs[index, 0][field] = item[field]
    return structs
