"""NIX files as Neo lays them out (https://doi.org/10.3389/fninf.2014.00010 describes Neo).

    neo.io.NixIO("run.nix", "ro").read_block()          # reads them, as nixio does

One block on the session clock (see `session.py`): one segment, in which the trials follow one
another; a spike train per neuron, annotated with `population` and `neuron`; the epoch "trials",
whose labels are the stimulus labels; an analogue signal per recorded state, NaN between trials. The
block is annotated as `to_neo` annotates it. They are written object by object (`nix_objects.py`),
in a third of a millisecond a neuron.

Files of other programs are read by Neo: a block of them, whose segments are the trials.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import h5py
import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import nix_of_others
from spikelearn.spikes.metadata import array_bytes, digest, rebuild
from spikelearn.spikes.neo_blocks import (
    SESSION_CLOCK,
    block_annotations,
    block_metadata,
    block_name,
    read_weights,
)
from spikelearn.spikes.nix_objects import Entity, Objects, as_text, link, members, said_of
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
from spikelearn.spikes.units import state_unit

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity
    from spikelearn.spikes.of_others import Given

COMPLETE = True  # states and weights are kept too
TAKES = nix_of_others.TAKES
HELD_BYTES = 40  # of memory for each spike: all of a population's at once
HELD_NEURON_BYTES = 2_100

# What a neuron's objects take to be written, in seconds of an ordinary processor.
_OBJECT_S = 6e-4
_UNIT = {"t_start": "ms", "t_stop": "ms"}


def save(activity: Activity, path: Path) -> None:
    """Write the activity to `path`."""
    start, _ = session_start(activity.provenance)
    with h5py.File(path, "w", track_order=True) as file:
        objects = Objects(file, digest(activity), start)
        neo = objects.section(objects.metadata, "neo", "neo")
        objects.properties(neo, {"version": _LAYOUT})
        _Session(objects, activity).write()


# The version of Neo whose layout this is.
_LAYOUT = "0.14.0"


class _Session:
    """The block of an activity, its one segment, and what is in it."""

    def __init__(self, objects: Objects, activity: Activity):
        self._objects, self._activity = objects, activity
        self._starts = trial_starts_ms(activity)
        self._stop = float(self._starts[-1] + activity.duration_ms)
        said = {**block_annotations(activity), "layout": SESSION_CLOCK}
        said["neo_name"] = block_name(activity)
        block, section = self._described(objects.data, objects.metadata, "neo.block", said)
        lists = ("groups", "data_arrays", "multi_tags")
        groups, self._arrays, self._tags = (objects.group(block.group, name) for name in lists)
        sections = objects.group(section.group, "sections")
        segment, section = self._described(groups, sections, "neo.segment", {"neo_name": "session"})
        self._sections = objects.group(section.group, "sections")
        self._its_arrays = objects.group(segment.group, "data_arrays")
        self._its_tags = objects.group(segment.group, "multi_tags")

    def _described(
        self, where: Any, sections: Any, kind: str, said: Mapping[str, Any], name: str | None = None
    ) -> tuple[Entity, Entity]:
        """An entity and its section of metadata, which says something of it."""
        objects = self._objects
        name = objects.name(kind) if name is None else name
        entity, section = objects.entity(where, name, kind), objects.section(sections, name, kind)
        link(section, entity.group, "metadata")
        objects.properties(section, said, _UNIT)
        return entity, section

    def _tagged(self, kind: str, times: np.ndarray, said: Mapping[str, Any]) -> tuple[Entity, ...]:
        """What marks points in time: its tag, its section and its array of times."""
        name = self._objects.name(kind)
        tag, section = self._described(self._tags, self._sections, kind, said, name)
        array = self._objects.array(self._arrays, f"{name}.times", f"{kind}.times", times, "ms")
        link(array, tag.group, "positions")
        link(tag, self._its_tags)
        return tag, section, array

    def write(self) -> None:
        for name in self._activity.states:
            self._signal(name)
        self._trials()
        for name in self._activity.populations:
            self._population(name)

    def _trials(self) -> None:
        activity = self._activity
        tag, _, times = self._tagged("neo.epoch", self._starts, {"neo_name": "trials"})
        self._objects.labels(times, activity.labels)
        lengths = self._objects.array(
            self._arrays, self._objects.name("neo.epoch"), "neo.epoch.durations",
            np.full(len(self._starts), float(activity.duration_ms)), "ms",
        )  # fmt: skip
        link(lengths, tag.group, "extents")

    def _population(self, name: str) -> None:
        """A spike train per neuron; what all have in common is said once, and inherited."""
        spikes = self._activity.populations[name]
        if not spikes.size:
            return
        objects = self._objects
        common = objects.section(self._sections, objects.name("population"), "population")
        said = {"t_start": 0.0, "t_stop": self._stop, "population": name}
        objects.properties(common, said, _UNIT)
        times, ends = session_trains_ms(spikes, self._starts)
        for neuron, train in enumerate(np.split(times, ends[:-1])):
            own = {"neo_name": f"{name} {neuron}", "neuron": neuron}
            _, section, _ = self._tagged("neo.spiketrain", train, own)
            link(common, section.group, "link")

    def _signal(self, name: str) -> None:
        """A recorded state: an array per neuron, all with one section of metadata."""
        objects, activity = self._objects, self._activity
        every_ms = float(activity.states_every_ms or activity.dt_ms)
        population, _, variable = name.rpartition(".")
        state = np.asarray(activity.states[name])
        joined = session_state(state, records_per_trial(activity))
        own = objects.name("neo.analogsignal")
        section = objects.section(self._sections, own, "neo.analogsignal")
        objects.properties(
            section,
            {
                "t_start": float(activity.states_first_ms),
                "neo_name": name,
                "population": population,
                "variable": variable,
            },
            _UNIT,
        )
        unit = state_unit(variable).name or "dimensionless"
        for neuron, values in enumerate(joined.T):
            array = objects.array(self._arrays, f"{own}.{neuron}", "neo.analogsignal", values, unit)
            objects.sampled(array, every_ms, "ms", float(activity.states_first_ms))
            link(section, array.group, "metadata")
            link(array, self._its_arrays)


def seconds(activity: Activity) -> float:
    """How long writing it will take, about: object by object."""
    neurons = sum(spikes.size for spikes in activity.populations.values())
    signals = sum(np.shape(state)[2] for state in activity.states.values())
    return _OBJECT_S * (neurons + signals + len(activity.populations))


def file_bytes(activity: Activity) -> float:
    """How large the file will be at most, about."""
    neurons = sum(spikes.size for spikes in activity.populations.values())
    signals = sum(np.shape(state)[2] for state in activity.states.values())
    return (
        1e5
        + 9 * activity.n_spikes
        + 200 * activity.n_trials
        + 6_000 * neurons
        + 4_000 * (signals + len(activity.populations))
        + array_bytes(activity)
    )


expected_bytes = file_bytes


def load(path: Path, **given: Unpack[Given]) -> Activity:
    """Read what `save` wrote, or a block of another NIX file, which Neo reads."""
    with h5py.File(path, "r") as file:
        if as_text(file.attrs.get("format", "")) != "nix" or "data" not in file:
            raise SpikelearnError("it is no NIX file (its attribute 'format' does not say nix)")
        blocks = list(file["data"].values())
        said = said_of(blocks[0]) if len(blocks) == 1 else {}
        meta = block_metadata(said)
        if meta is not None and said.get("layout") == SESSION_CLOCK:
            refuse(given)
            return _read(blocks[0], meta, said)
    return nix_of_others.read(path, given)


def _read(block: h5py.Group, meta: Mapping[str, Any], said: Mapping[str, Any]) -> Activity:
    """Undo `save`; earlier versions wrote the same by Neo."""
    (segment,) = members(block, "neo.segment", "groups")
    (epoch,) = members(segment, "neo.epoch", "multi_tags")
    starts, dt_ms = epoch["positions"]["data"][:], meta["dt_ms"]
    trains: dict[str, list[tuple[int, np.ndarray]]] = {name: [] for name in meta["populations"]}
    common: dict[int, dict[str, Any]] = {}
    for tag in members(segment, "neo.spiketrain", "multi_tags"):
        noted = said_of(tag, common)
        trains[noted["population"]].append((noted["neuron"], tag["positions"]["data"][:]))
    populations = {
        name: split_trials(
            size,
            np.concatenate([np.empty(0), *(times for _, times in trains[name])]),
            np.repeat(
                np.array([who for who, _ in trains[name]], dtype=np.int64),
                [len(times) for _, times in trains[name]],
            ),
            starts_ms=starts,
            duration_ms=meta["duration_ms"],
            dt_ms=dt_ms,
        )
        for name, size in meta["populations"].items()
    }
    signals: dict[str, list[np.ndarray]] = {name: [] for name in meta["states"]}
    for array in members(segment, "neo.analogsignal", "data_arrays"):
        signals[said_of(array)["neo_name"]].append(array["data"][:])
    per_trial = read_records_per_trial(starts, meta)
    states = [
        split_state(np.stack(signals[name], axis=-1), per_trial, tuple(form["shape"])).astype(
            form["dtype"]
        )
        for name, form in meta["states"].items()
    ]
    return rebuild(meta, populations, states, read_weights(said, meta))
