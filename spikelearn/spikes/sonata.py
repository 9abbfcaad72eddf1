"""SONATA spike files (Dai et al. 2020, doi:10.1371/journal.pcbi.1007696), in HDF5.

`/spikes/POPULATION/timestamps` (ms) and `/spikes/POPULATION/node_ids`, sorted by time, as NEST,
BMTK, NetPyNE and libsonata read them. SONATA knows no trials: they follow one another on one time
axis, each as long as the activity, and `/spikelearn` holds what tells them apart again, together
with all that SONATA has no place for (labels, recorded states, weights, provenance).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import h5py
import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes, pieces
from spikelearn.spikes.activity import Activity
from spikelearn.spikes.metadata import array_bytes, describe, parse, rebuild, weight_arrays
from spikelearn.spikes.of_others import Given, in_ms, neurons_of, of_trials, refuse, said_unit
from spikelearn.spikes.units import state_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPLETE = True  # states and weights are kept too
TAKES = ("duration_ms", "unit", "neurons")
HELD_BYTES = 0  # of memory for each spike: written in pieces

_MAGIC = 0x0A7A
_SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
_BY_TIME = 2


def save(activity: Activity, path: Path) -> None:
    """Write the activity to `path`."""
    with h5py.File(path, "w") as file:
        file.attrs["magic"] = np.uint32(_MAGIC)
        file.attrs["version"] = np.array([0, 1], dtype=np.uint32)
        ours = file.create_group("spikelearn")
        # A data set, for an attribute holds 64 KiB at most.
        ours["metadata"] = np.bytes_(describe(activity).encode())
        spikes_group = file.create_group("spikes")
        for index, (name, recorded) in enumerate(activity.populations.items()):
            spikes = _by_session_time(recorded, activity.duration_ms)
            group = spikes_group.create_group(_group_name(name))
            group.attrs.create("sorting", _BY_TIME, dtype=_SORTING)
            timestamps = group.create_dataset("timestamps", shape=len(spikes), dtype=np.float64)
            timestamps.attrs["units"] = "ms"
            node_ids = group.create_dataset("node_ids", shape=len(spikes), dtype=np.uint64)
            for here in pieces(len(spikes)):
                timestamps[here] = _session_ms(spikes, here, activity.duration_ms)
                node_ids[here] = spikes.senders[here].astype(np.uint64)
            if activity.n_trials > 1:
                # Times within trials as they are: a sum and a difference would cost the last digit.
                own = ours.create_group(f"population_{index}")
                for field in ("times_ms", "trials"):
                    values = getattr(spikes, field)
                    written = own.create_dataset(
                        field, shape=len(spikes), dtype=values.dtype, compression="gzip"
                    )
                    for here in pieces(len(spikes)):
                        written[here] = values[here]
        for kind, arrays in (("state", activity.states), ("weights", weight_arrays(activity))):
            for index, (name, array) in enumerate(arrays.items()):
                written = ours.create_dataset(f"{kind}_{index}", data=array, compression="gzip")
                unit = activity.weight_units.get(name, "") or state_unit(name).name
                written.attrs["units"] = unit or "dimensionless"
                if kind == "state":
                    written.attrs["every_ms"] = activity.states_every_ms or activity.dt_ms
                    written.attrs["first_ms"] = activity.states_first_ms


def _session_ms(spikes: PopulationSpikes, here: slice, duration_ms: float) -> np.ndarray:
    return spikes.times_ms[here] + spikes.trials[here] * duration_ms


def _by_session_time(spikes: PopulationSpikes, duration_ms: float) -> PopulationSpikes:
    """Spikes in the order of their times on the common axis, which is mostly theirs already."""
    latest = -np.inf
    for here in pieces(len(spikes)):
        times = _session_ms(spikes, here, duration_ms)
        if times[0] < latest or (np.diff(times) < 0).any():
            break
        latest = times[-1]
    else:
        return spikes
    # A spike at the very end of a trial, which rounding laid behind the start of the next.
    order = np.argsort(_session_ms(spikes, slice(None), duration_ms), kind="stable")
    return PopulationSpikes(
        spikes.size, spikes.times_ms[order], spikes.senders[order], spikes.trials[order]
    )


def file_bytes(activity: Activity) -> float:
    """How large the file will be at most, about."""
    return 5e4 + 25 * activity.n_spikes + 100 * activity.n_trials + array_bytes(activity)


expected_bytes = file_bytes


def load(path: Path, **given: Unpack[Given]) -> Activity:
    """Read what `save` wrote, or the spikes of another's SONATA file as one trial."""
    with h5py.File(path, "r") as file:
        if "spikes" not in file:
            raise SpikelearnError("it holds no group 'spikes', as a SONATA spike file does")
        meta = None
        if "spikelearn" in file:
            ours = file["spikelearn"]
            # Earlier versions wrote an attribute.
            stored = ours["metadata"][()] if "metadata" in ours else ours.attrs["metadata"]
            meta = parse(stored.decode() if isinstance(stored, bytes) else str(stored))
        if meta is None:
            return _of_others(file["spikes"], given)
        refuse(given)
        ours = file["spikelearn"]
        populations = {}
        for index, (name, size) in enumerate(meta["populations"].items()):
            group = file["spikes"][_group_name(name)]
            times, senders = group["timestamps"][:], group["node_ids"][:].astype(np.int64)
            trials = np.zeros(times.size, dtype=np.int64)
            if f"population_{index}" in ours:
                own = ours[f"population_{index}"]
                times, trials = own["times_ms"][:], own["trials"][:]
            populations[name] = PopulationSpikes.from_unsorted(size, times, senders, trials)
        return rebuild(
            meta,
            populations,
            states=[ours[f"state_{i}"][:] for i in range(len(meta["states"]))],
            weights=[ours[f"weights_{i}"][:] for i in range(len(meta["weights"]))],
        )


def _group_name(population: str) -> str:
    """A population's name as that of an HDF5 group, where a slash would part it in two."""
    if population in ("", "."):
        return "%" + population.encode().hex()
    return population.replace("%", "%25").replace("/", "%2F")


def _of_others(group: Mapping[str, Any], given: Given) -> Activity:
    """Spikes that another program wrote: sizes, and the duration, are what the spikes show.

    The layout before version 0.1 of the format has one population, without a name, and calls its
    neurons gids.
    """
    groups = {"spikes": group} if "timestamps" in group else dict(group)
    if not groups:
        raise SpikelearnError("it holds no population")
    arrays = [name for name, inside in groups.items() if not isinstance(inside, h5py.Group)]
    if arrays:
        raise SpikelearnError(
            f"its group 'spikes' holds {', '.join(arrays)}, where a SONATA file has a group for"
            " each population, or timestamps and gids"
        )
    spikes, notes = {}, []
    for name, of_population in groups.items():
        key = next((k for k in ("node_ids", "gids") if k in of_population), None)
        if key is None or "timestamps" not in of_population:
            raise SpikelearnError(
                f"population '{name}' lacks its timestamps or node_ids (once called gids); it has"
                f" {', '.join(of_population) or 'nothing'}"
            )
        unit = of_population["timestamps"].attrs.get("units")
        unit = unit.decode() if isinstance(unit, bytes) else unit
        if unit is None and "unit" not in given:
            notes.append(f"the times of '{name}' have no unit, and are taken for ms, as the format"
                         " says (unit, --unit)")  # fmt: skip
        where = f"population '{name}'"
        unit = said_unit(given, unit, f"'{name}'", notes) or "ms"
        times = in_ms(of_population["timestamps"][:], unit, where)
        neurons = neurons_of(of_population[key][:], where)
        if len(times) != len(neurons):
            raise SpikelearnError(f"{where} has {len(times)} timestamps, but {len(neurons)} {key}")
        spikes[name] = times, neurons, np.zeros(len(times), dtype=np.int64)
    return of_trials(spikes, ("0",), "SONATA", given, notes)
