"""Neurodata Without Borders files (https://doi.org/10.7554/eLife.78362), written with PyNWB.

The trials follow one another on the session clock (see `session.py`).

- `units`: a row per neuron with `population` and `neuron`, silent ones too; `_name` is the name
  that Neo gives its spike train. Neo's own writer would lose the populations.
- `trials`: start, stop and `stimulus` of each; `epochs` says the same, because Neo reads these.
- `acquisition`: a time series per recorded state, NaN between trials.
- `analysis`: a table per projection of final weights, a row per source neuron, whose one column
  bears the unit, as `weight_mv` or `weight_ns` do; or a row per synapse, with its `source` and
  `target` before the weight.
- `notes`: sizes, grid, labels and provenance as JSON.

A simulated network has no animal, so there is no subject. The session starts when the provenance
says the run was made, else at the start of the year 2000. The identifier is a digest of the
content: the same run gives the same identifier.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn.spikes.metadata import (
    SYNAPSE_COLUMNS,
    array_bytes,
    describe,
    digest,
    is_by_synapse,
    parse,
    rebuild,
    weight_arrays,
)
from spikelearn.spikes.of_others import refuse
from spikelearn.spikes.session import (
    read_records_per_trial,
    records_per_trial,
    session_start,
    session_state,
    session_trains_ms,
    split_state,
    split_trials,
    trial_starts_ms,
)
from spikelearn.spikes.units import WEIGHT_FIELDS, state_unit

if TYPE_CHECKING:
    import pynwb

    from spikelearn.spikes.activity import Activity
    from spikelearn.spikes.of_others import Given

COMPLETE = True  # states and weights are kept too
TAKES = ("duration_ms", "trials", "onset", "label", "populations")
HELD_BYTES = 40  # of memory for each spike: the library holds all of a file
HELD_NEURON_BYTES = 400


def save(activity: Activity, path: Path) -> None:
    """Write the activity to `path`."""
    import pynwb

    start, source = session_start(activity.provenance)
    file = pynwb.NWBFile(
        session_description=f"Simulated spikes; {source}.",
        experiment_description=_experiment(activity.provenance),
        identifier=digest(activity),
        session_start_time=start,
        file_create_date=start,
        notes=describe(activity),
    )
    starts_s = trial_starts_ms(activity) / 1000
    _add_units(file, activity)
    _add_trials(file, activity, starts_s)
    _add_states(file, activity)
    _add_weights(file, activity)
    with warnings.catch_warnings():
        # Of a suffix in capitals, which changes nothing in the file.
        warnings.filterwarnings("ignore", message=r".* does not end in '\.nwb'")
        with pynwb.NWBHDF5IO(str(path), "w") as io:
            io.write(file)


def file_bytes(activity: Activity) -> float:
    """How large the file will be at most, about."""
    neurons = sum(spikes.size for spikes in activity.populations.values())
    return (
        3e5
        + 9 * activity.n_spikes
        + 200 * activity.n_trials
        + 200 * neurons
        + array_bytes(activity)
    )


expected_bytes = file_bytes


def load(path: Path, **given: Unpack[Given]) -> Activity:
    """Read what `save` wrote, or the units of another NWB file as `nwb_of_others` has it."""
    import pynwb

    from spikelearn.spikes import nwb_of_others

    with pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True) as io, warnings.catch_warnings():
        # Of how the file was written: nothing that its reader could do anything about.
        warnings.filterwarnings("ignore", message=".*deprecated.*")
        file = io.read()
        meta = parse(file.notes)
        if meta is None:
            return nwb_of_others.read(file, given)
        refuse(given)
        return _read(file, meta)


def _experiment(provenance: Mapping[str, Any]) -> str:
    """What was simulated, in one sentence."""
    network = provenance.get("network")
    name = network.get("name") if isinstance(network, Mapping) else None
    said = f"Network {name}" if name else "A network"
    backend, version = provenance.get("backend"), provenance.get("backend_version", "")
    by = f" simulated by {backend} {version}".rstrip() if backend else " simulated"
    seed = f" with seed {provenance['seed']}" if "seed" in provenance else ""
    return f"{said}{by}{seed}; no animal was involved."


def _ragged(name: str, description: str, values: Any, ends: Any) -> list[Any]:
    """A column whose cells are lists: all values end to end, and where each list ends."""
    from hdmf.common import VectorData, VectorIndex

    column = VectorData(name=name, description=description, data=values)
    return [VectorIndex(name=f"{name}_index", data=np.asarray(ends), target=column), column]


def _add_units(file: pynwb.NWBFile, activity: Activity) -> None:
    """The units table, made in one piece: row by row would take a second per thousand neurons."""
    from hdmf.common import VectorData
    from pynwb.misc import Units

    members = [
        (name, neuron)
        for name, spikes in activity.populations.items()
        for neuron in range(spikes.size)
    ]
    if not members:
        return
    starts_ms = trial_starts_ms(activity)
    trains = [session_trains_ms(spikes, starts_ms) for spikes in activity.populations.values()]
    times_s = np.concatenate([times for times, _ in trains]) / 1000
    before = np.cumsum([0, *(len(times) for times, _ in trains)])
    ends = np.concatenate([ends + n for (_, ends), n in zip(trains, before[:-1], strict=True)])
    session_s = (starts_ms[-1] + activity.duration_ms) / 1000
    columns = [
        VectorData(
            name="population",
            description="Population that the neuron belongs to.",
            data=[name for name, _ in members],
        ),
        VectorData(
            name="neuron",
            description="Number of the neuron within its population, from 0.",
            data=np.array([neuron for _, neuron in members]),
        ),
        VectorData(
            name="_name",
            description="Name that Neo gives the spike train.",
            data=[f"{name} {neuron}" for name, neuron in members],
        ),
        *_ragged("spike_times", "Spike times in s on the session clock.", times_s, ends),
        *_ragged(
            "obs_intervals",
            "The whole session.",
            np.tile([0.0, session_s], (len(members), 1)),
            np.arange(1, len(members) + 1),
        ),
    ]
    file.units = Units(
        name="units",
        description="All neurons of the recorded populations.",
        columns=columns,
        id=np.arange(len(members)),
        # Neurons spike on the grid, which is also why two spikes may coincide within it.
        resolution=float(activity.dt_ms) / 1000,
    )


def _add_trials(file: pynwb.NWBFile, activity: Activity, starts_s: np.ndarray) -> None:
    from hdmf.common import VectorData
    from pynwb.epoch import TimeIntervals

    labels = list(activity.labels)

    def table(name: str, description: str, label_columns: Iterable[Any]) -> TimeIntervals:
        start = VectorData(name="start_time", description="Start of the trial in s.", data=starts_s)
        stop = VectorData(
            name="stop_time",
            description="Stop of the trial in s.",
            data=starts_s + activity.duration_ms / 1000,
        )
        return TimeIntervals(
            name=name,
            description=description,
            columns=[start, stop, *label_columns],
            id=np.arange(len(labels)),
        )

    stimulus = VectorData(name="stimulus", description="Label of the stimulus.", data=labels)
    file.trials = table("trials", "One trial per stimulus.", [stimulus])
    tags = _ragged("tags", "Label of the stimulus.", labels, np.arange(1, len(labels) + 1))
    file.epochs = table("epochs", "The trials, for readers that know epochs only.", tags)


def _object_names(names: Iterable[str]) -> dict[str, str]:
    """Names as NWB allows them (no '/' and ':'), still unique."""
    given: dict[str, str] = {}
    for i, name in enumerate(names):
        plain = name.replace("/", "_").replace(":", "_").strip(". ")
        given[name] = plain if plain and plain not in given.values() else f"{plain}_{i}"
    return given


def _add_states(file: pynwb.NWBFile, activity: Activity) -> None:
    import pynwb
    from hdmf.backends.hdf5 import H5DataIO

    per_trial = records_per_trial(activity)
    every_ms = float(activity.states_every_ms or activity.dt_ms)
    for key, name in _object_names(activity.states).items():
        joined = session_state(np.asarray(activity.states[key]), per_trial)
        unit = state_unit(key)
        file.add_acquisition(
            pynwb.TimeSeries(
                name=name,
                description=f"Recorded state {key}; a column per neuron, NaN between trials.",
                data=H5DataIO(joined, compression="gzip", compression_opts=1, shuffle=True),
                unit=unit.si_name,
                conversion=unit.si,
                starting_time=activity.states_first_ms / 1000.0,
                rate=1000.0 / every_ms,
            )
        )


def _add_weights(file: pynwb.NWBFile, activity: Activity) -> None:
    from hdmf.common import DynamicTable, VectorData

    arrays = weight_arrays(activity)
    for key, name in _object_names(arrays).items():
        unit = activity.weight_units[key]
        field, rows, values = WEIGHT_FIELDS.get(unit, "weight"), "source neuron", arrays[key]
        columns = []
        if isinstance(activity.weights[key], SynapticWeights):
            *ends, values = values.T
            columns = [
                VectorData(name=end, description=f"The {end} neuron, from 0.", data=who.astype(int))
                for end, who in zip(SYNAPSE_COLUMNS, ends, strict=False)
            ]
            rows = "synapse"
        whose = "of the synapse" if columns else "to each target neuron"
        columns.append(
            VectorData(name=field, description=f"Weight in {unit} {whose}.", data=values)
        )
        file.add_analysis(
            DynamicTable(
                name=name,
                description=f"Final weights of {key}; a row per {rows}.",
                columns=columns,
                id=np.arange(len(values)),
            )
        )


def _read(file: pynwb.NWBFile, meta: Mapping[str, Any]) -> Activity:
    starts_ms = np.asarray(file.trials["start_time"].data[:]) * 1000
    dt_ms = meta["dt_ms"]
    ends, times_ms = np.empty(0, dtype=np.int64), np.empty(0)
    if file.units is not None:
        index = file.units["spike_times"]
        ends = np.asarray(index.data[:], dtype=np.int64)
        times_ms = np.asarray(index.target.data[:]) * 1000
    rows = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    populations, first = {}, 0
    if sum(meta["populations"].values()) != len(ends):
        raise SpikelearnError(
            f"it has {counted(len(ends), 'unit')} where its populations have"
            f" {counted(sum(meta['populations'].values()), 'neuron')}"
        )
    for name, size in meta["populations"].items():
        here = slice(*np.searchsorted(rows, [first, first + size]))
        populations[name] = split_trials(
            size,
            times_ms[here],
            rows[here] - first,
            starts_ms=starts_ms,
            duration_ms=meta["duration_ms"],
            dt_ms=dt_ms,
        )
        first += size
    per_trial = read_records_per_trial(starts_ms, meta)
    states = [
        split_state(file.acquisition[name].data[:], per_trial, tuple(form["shape"])).astype(
            form["dtype"]
        )
        for form, name in zip(
            meta["states"].values(), _object_names(meta["states"]).values(), strict=True
        )
    ]
    tables = [file.analysis[name] for name in _object_names(meta["weights"]).values()]
    weights = [
        np.column_stack([table[column].data[:] for column in table.colnames])
        if is_by_synapse(form)
        else table[table.colnames[0]].data[:]
        for form, table in zip(meta["weights"].values(), tables, strict=True)
    ]
    return rebuild(meta, populations, states, weights)
