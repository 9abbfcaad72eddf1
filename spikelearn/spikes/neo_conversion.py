"""An activity as a Neo block and back.

`to_neo` gives one segment per trial, in it one spike train per neuron (silent ones too) and one
analogue signal per recorded state. `from_neo` reads that again, reads the session clock of the
`.nix` files, and reads blocks made by others as far as they are spike trains over trials.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import repeated
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._time_steps import nearest_step
from spikelearn.spikes.metadata import state_times, weight_units, weights_of
from spikelearn.spikes.neo_blocks import (
    SESSION_CLOCK,
    block_annotations,
    block_metadata,
    block_name,
    read_weights,
    state_signal,
)
from spikelearn.spikes.neo_remarks import named, remarks_on
from spikelearn.spikes.neo_session import from_session_block
from spikelearn.spikes.of_others import ReadWarning, column, note, noted, place_of, refuse
from spikelearn.spikes.units import state_unit

if TYPE_CHECKING:
    import neo

    from spikelearn.spikes.activity import Activity

# Of a population in a segment: by neuron number or by name, or in order.
Trains = Mapping[Any, np.ndarray] | list[np.ndarray]
# Grid of blocks that do not say theirs.
_DEFAULT_DT_MS = 0.1
_NO_TIMES = "left out: its signals, which begin before the spike trains or are not sampled alike"


def to_neo(activity: Activity) -> neo.Block:
    """One segment per trial, one spike train per neuron; times in ms from the trial's start.

    Segments bear the stimulus label as name and annotation `stimulus`; spike trains are annotated
    with `population`, `neuron`, `trial` and `stimulus`, signals with `population`, `variable`,
    `trial` and `stimulus`. Signals are in the unit that the variable's name ends in (`v_mv`), else
    dimensionless. The block is annotated with `activity` (sizes, grid, labels) and `provenance`,
    both JSON, and with the final weights as flat arrays `weights_0`, `weights_1` ..., whose units
    are `weights_0_unit`, `weights_1_unit` ... Each spike train takes about 0.15 ms to make.

    Parameters
    ----------
    activity : Activity
        What is converted.

    Returns
    -------
    neo.Block
    """
    import neo
    import quantities as pq

    block = neo.Block(name=block_name(activity), **block_annotations(activity))
    t_start, t_stop = 0.0 * pq.ms, float(activity.duration_ms) * pq.ms
    for trial, label in enumerate(activity.labels):
        where = {"trial": trial, "stimulus": label}
        segment = neo.Segment(name=label, index=trial, **where)
        for name, spikes in activity.populations.items():
            for neuron, train in enumerate(spikes.trains(trial)):
                segment.spiketrains.append(
                    neo.SpikeTrain(
                        train,
                        units=pq.ms,
                        t_start=t_start,
                        t_stop=t_stop,
                        name=f"{name} {neuron}",
                        population=name,
                        neuron=neuron,
                        **where,
                    )
                )
        for name, state in activity.states.items():
            every_ms = activity.states_every_ms or activity.dt_ms
            first_ms = activity.states_first_ms
            signal = state_signal(name, state[trial], every_ms, first_ms, **where)
            segment.analogsignals.append(signal)
        block.segments.append(segment)
    return block


def from_neo(
    block: neo.Block, *, segment: str | None = None, populations: str | None = None
) -> Activity:
    """The activity that a block holds, each segment being a trial.

    Blocks made by others: trains with the annotations `population` and `neuron` (an integer) go
    where these say; those without a neuron number are told apart by their names and numbered as
    they first appear, or, without names of their own, are counted in their order in the segment;
    those without a population belong to one called "units". Times are converted to ms and taken
    from the earliest `t_start` of the segment; the duration is the longest segment's. The label is
    the segment's annotation `stimulus`, its name, or its number. The grid is the sampling period of
    the first signal, or 0.1 ms. Signals without the annotations `population` and `variable` are
    not taken over, and none are where they begin before the spike trains, or are not sampled alike.

    Parameters
    ----------
    block : neo.Block
        From `to_neo`, from a file, or made by other software.
    segment : str, optional
        Name or number of the one segment that is read; all are if left out.
    populations : str, optional
        Annotation of the spike trains that names their populations; `population` if left out.

    Returns
    -------
    Activity

    Warns
    -----
    ReadWarning
        Naming what was left out of another's block.

    Raises
    ------
    SpikelearnError
        If there are no spike trains, or segments differ in their trains in a way that the
        annotations do not explain.
    """
    notes: list[str] = []
    with noted(notes):
        activity = activity_of(block, segment, populations)
    if notes:
        warnings.warn(f"the Neo block: {'; '.join(notes)}", ReadWarning, stacklevel=2)
    return activity


def activity_of(
    block: neo.Block, segment: str | None = None, populations: str | None = None
) -> Activity:
    """As `from_neo`, of which this is the part that notes instead of warning.

    Parameters
    ----------
    block : neo.Block
    segment, populations : str, optional
        What was said of it.
    """
    from spikelearn.spikes.activity import Activity

    meta = block_metadata(block.annotations)
    if meta is not None:
        said = {"segment": segment, "populations": populations}
        refuse({name: value for name, value in said.items() if value is not None})
        if block.annotations.get("layout") == SESSION_CLOCK:
            return from_session_block(block, meta)
    notes: list[str] = []
    segments = _chosen(block, segment, notes)
    if meta is None and not any(len(segment.spiketrains) for segment in segments):
        raise SpikelearnError("the Neo block holds no spike trains")
    by_trial, durations = [], []
    for trial, its in enumerate(segments):
        trains, duration = _trains_of(its, trial, populations or "population")
        by_trial.append(trains)
        durations.append(duration)
    duration_ms = max(durations) or (meta["duration_ms"] if meta else 0.0)
    if not duration_ms > 0:
        raise SpikelearnError(
            "the spike trains of the Neo block have no duration; set their t_stop"
        )
    times = _signal_times(segments) if meta is None else state_times(meta)
    if meta is None:
        notes += remarks_on(block, segments, durations, populations)
        notes += [] if times is not None else [_NO_TIMES]
        note(notes)
    labels = [
        str(its.annotations.get("stimulus", its.name or trial))
        for trial, its in enumerate(segments)
    ]
    return Activity(
        populations=_populations(by_trial, meta["populations"] if meta else {}),
        duration_ms=duration_ms,
        dt_ms=meta["dt_ms"] if meta else _grid_ms(segments),
        n_trials=len(segments),
        labels=tuple(labels),
        states={} if times is None else _states(segments, meta["states"] if meta else {}),
        weights=weights_of(meta, read_weights(block.annotations, meta)) if meta else {},
        provenance=meta["provenance"] if meta else _foreign_provenance(block, notes),
        weight_units=weight_units(meta) if meta else {},
        **(times or {}),
    )


def _chosen(block: neo.Block, segment: str | None, notes: list[str]) -> list[neo.Segment]:
    """The segments that are read: all, or the one that is named."""
    segments = list(block.segments)
    if segment is None:
        return segments
    names = [str(its.name or "") for its in segments]
    place = place_of(segment, names, "segment", "the Neo block")
    if len(segments) > 1:
        others = ", ".join(f"'{name}'" if name else str(i) for i, name in enumerate(names)
                           if i != place)  # fmt: skip
        notes.append(f"left out: segments {others:.200}")
    return [segments[place]]


def _trains_of(
    segment: neo.Segment, trial: int, populations: str
) -> tuple[dict[str, Trains], float]:
    """Trains of a segment by population (by neuron, or in order if not all say theirs) in ms."""
    trains = [t.load() if hasattr(t, "load") else t for t in segment.spiketrains]
    if not trains:
        return {}, 0.0
    start = min(_ms(train.t_start) for train in trains)
    duration = max(_ms(train.t_stop) for train in trains) - start
    grouped: dict[str, list[tuple[Any, np.ndarray]]] = {}
    trains_of: dict[str, list[Any]] = {}
    for train in trains:
        times = np.clip(_ms(train) - start, 0.0, duration)
        if populations != "population" and populations not in train.annotations:
            column(populations, sorted(named(trains)), f"a spike train of segment {trial}")
        population = str(train.annotations.get(populations, "units"))
        grouped.setdefault(population, []).append((train.annotations.get("neuron"), times))
        trains_of.setdefault(population, []).append(train)
    by_population: dict[str, Trains] = {}
    for name, members in grouped.items():
        if all(isinstance(neuron, int | np.integer) and neuron >= 0 for neuron, _ in members):
            numbered = {int(neuron): times for neuron, times in members}
            if len(numbered) < len(members):
                raise SpikelearnError(
                    f"segment {trial} of the Neo block has several spike trains of the same neuron"
                    f" of population '{name}'"
                )
            by_population[name] = numbered
        else:
            own = [str(train.name or "").strip() for train in trains_of[name]]
            told = all(own) and repeated(own) is None
            times = [its for _, its in members]
            by_population[name] = dict(zip(own, times, strict=True)) if told else times
    return by_population, float(duration)


def _populations(
    by_trial: list[dict[str, Trains]], sizes: Mapping[str, int]
) -> dict[str, PopulationSpikes]:
    """Join the trials; `sizes` are the known sizes, others follow from the trains."""
    names = list(dict.fromkeys([*sizes, *(name for trains in by_trial for name in trains)]))
    populations = {}
    for name in names:
        members = _numbered(name, [trains.get(name, {}) for trains in by_trial])
        counts = [len(trains) for trains in members]
        in_order = any(isinstance(trains, list) for trains in members)
        if in_order and len(set(counts)) > 1:
            raise SpikelearnError(
                f"the segments of the Neo block hold {min(counts)} to {max(counts)} spike trains"
                f" of population '{name}', so neurons cannot be told apart; annotate each train"
                " with its neuron number"
            )
        rows = [
            (trial, neuron, times)
            for trial, trains in enumerate(members)
            for neuron, times in (enumerate(trains) if isinstance(trains, list) else trains.items())
        ]
        lengths = [len(times) for _, _, times in rows]
        populations[name] = PopulationSpikes.from_unsorted(
            max([sizes.get(name, 0), *(neuron + 1 for _, neuron, _ in rows)]),
            np.concatenate([times for _, _, times in rows]) if rows else np.empty(0),
            np.repeat([neuron for _, neuron, _ in rows], lengths),
            np.repeat([trial for trial, _, _ in rows], lengths),
        )
    return populations


def _numbered(population: str, members: list[Trains]) -> list[Trains]:
    """Trains that are told apart by names, numbered as their names first appear.

    Raises
    ------
    SpikelearnError
        If segments hold other units: what was not recorded is not silence.
    """
    if not any(isinstance(key, str) for its in members for key in its):
        return members
    sets = {frozenset() if isinstance(its, list) else frozenset(its) for its in members}
    if len(sets) > 1:
        raise SpikelearnError(
            f"the segments of the Neo block do not hold the same units of population"
            f" '{population}', by the names of their spike trains; an activity has every unit in"
            " every trial"
        )
    number = {name: i for i, name in enumerate(members[0])}
    by_name = [dict(its) for its in members if isinstance(its, Mapping)]
    return [{number[name]: times for name, times in its.items()} for its in by_name]


def _states(segments: list[neo.Segment], forms: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Signals annotated with population and variable, stacked over the segments."""
    signals: dict[str, list[np.ndarray]] = {name: [] for name in forms}
    for segment in segments:
        for described in _of_states(segment):
            signal = described.load() if hasattr(described, "load") else described
            noted = signal.annotations
            name = f"{noted['population']}.{noted['variable']}".removeprefix(".")
            unit = state_unit(str(noted["variable"])).name
            values = signal.rescale(unit) if unit else signal
            signals.setdefault(name, []).append(values.magnitude)
    for name, parts in signals.items():
        if len(parts) != len(segments) or len({part.shape for part in parts}) > 1:
            raise SpikelearnError(
                f"the signals '{name}' of the Neo block differ in shape between segments, or are"
                " missing in some"
            )
    return {
        name: np.stack(parts).astype(forms[name]["dtype"] if name in forms else parts[0].dtype)
        for name, parts in signals.items()
    }


def _of_states(segment: neo.Segment) -> list[Any]:
    """The signals of a segment that are states of populations, by their annotations."""
    wanted = {"population", "variable"}
    return [s for s in segment.analogsignals if wanted <= s.annotations.keys()]


def _signal_times(segments: list[neo.Segment]) -> dict[str, float] | None:
    """How another's signals lie in time, as arguments of `Activity`; None where they differ."""
    found = set()
    for segment in segments:
        start = min((float(_ms(train.t_start)) for train in segment.spiketrains), default=0.0)
        for signal in _of_states(segment):
            every_ms = round(float(_ms(signal.sampling_period)), 9)
            found.add((every_ms, nearest_step(float(_ms(signal.t_start)) - start, every_ms)))
    if not found:
        return {}
    (every_ms, first), *others = found
    return None if others or first < 0 else {"states_first_ms": first * every_ms}


def _grid_ms(segments: list[neo.Segment]) -> float:
    """The sampling period of the first signal that is a state, or that is none."""
    signals = [signal for segment in segments for signal in segment.analogsignals]
    states = [signal for segment in segments for signal in _of_states(segment)]
    return next((float(_ms(s.sampling_period)) for s in [*states, *signals]), _DEFAULT_DT_MS)


def _foreign_provenance(block: neo.Block, notes: list[str]) -> dict[str, Any]:
    known = {"name": block.name, "description": block.description, "origin": block.file_origin}
    said = {"neo_block": {key: str(value) for key, value in known.items() if value}}
    return {**said, "notes": notes} if notes else said


def _ms(quantity: Any) -> np.ndarray:
    """A Neo quantity in ms, as a plain array."""
    import quantities as pq

    if quantity.units == pq.ms:
        return np.asarray(quantity.magnitude, dtype=np.float64)
    return np.asarray(quantity.rescale(pq.ms).magnitude, dtype=np.float64)
