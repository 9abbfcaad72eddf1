"""What an activity is besides its arrays, as JSON that every format carries, and its checks."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes, pieces
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn.spikes.state_steps import state_steps

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity

FORMAT = "spikelearn activity"
VERSION = 1
BY_SYNAPSE_VERSION = 2  # with weights by synapse, which earlier versions took for a matrix
STATE_TIMES_VERSION = 3  # with states that are not those of every step, which earlier ones assume
SYNAPSE_COLUMNS = ("source", "target", "weight")
_MOST = 2**31  # neurons of a population, whose indices are kept in 4 bytes


def check(activity: Activity) -> None:
    """Refuse an activity that no file could hold faithfully.

    Raises
    ------
    SpikelearnError
        Naming the population, state or label at fault.
    """
    if activity.n_trials < 1:
        raise SpikelearnError(f"an activity has at least 1 trial, found {activity.n_trials}")
    for name in ("duration_ms", "dt_ms"):
        value = getattr(activity, name)
        if not (np.isfinite(value) and value > 0):
            raise SpikelearnError(f"{name} must be finite and greater than 0, found {value}")
    for kind, texts in (
        ("stimulus label", activity.labels),
        ("population name", activity.populations),
        ("state name", activity.states),
        ("projection name", activity.weights),
        ("unit of weights", activity.weight_units.values()),
    ):
        for text in texts:
            _check_text(kind, text)
    for name, spikes in activity.populations.items():
        _check_size(name, spikes.size)
        _check_spikes(activity, name, spikes)
    for name, state in activity.states.items():
        if np.ndim(state) != 3 or len(state) != activity.n_trials:
            raise SpikelearnError(
                f"state '{name}' must have shape ({activity.n_trials}, n_steps, size), found"
                f" {np.shape(state)}"
            )
    for name, matrix in activity.weights.items():
        if np.ndim(matrix) != 2:
            raise SpikelearnError(
                f"weights '{name}' must have shape (source size, target size), found"
                f" {np.shape(matrix)}"
            )


def _check_size(name: str, size: Any) -> None:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 0 <= size <= _MOST:
        found = f"{size:,}" if isinstance(size, int | float) else f"{size!r:.80}"
        raise SpikelearnError(
            f"population '{name}' must have a whole number of neurons up to {_MOST:,}, found"
            f" {found}"
        )


def _check_spikes(activity: Activity, name: str, spikes: PopulationSpikes) -> None:
    for here in pieces(len(spikes)):
        times, trials, who = spikes.times_ms[here], spikes.trials[here], spikes.senders[here]
        if not ((times >= 0) & (times <= activity.duration_ms)).all():
            raise SpikelearnError(
                f"population '{name}' has spikes outside its trials, which last from 0 to"
                f" {activity.duration_ms} ms"
            )
        if not ((trials >= 0) & (trials < activity.n_trials)).all():
            raise SpikelearnError(
                f"population '{name}' has spikes in trials that are not among the"
                f" {counted(activity.n_trials, 'trial')}"
            )
        if not ((who >= 0) & (who < spikes.size)).all():
            raise SpikelearnError(
                f"population '{name}' has spikes of neurons that are not among its"
                f" {counted(spikes.size, 'neuron')}"
            )


def _check_text(kind: str, text: Any) -> None:
    # HDF5 ends a string at the first null character, and files hold UTF-8.
    if not isinstance(text, str):
        raise SpikelearnError(f"a {kind} must be text, found {text!r:.80}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        writable = False
    else:
        writable = "\0" not in text
    if not writable:
        raise SpikelearnError(f"{kind} {text!r:.80} has characters that files cannot hold")


def describe(activity: Activity, provenance: bool = True) -> str:
    """Sizes, grid, labels and (if asked) provenance as one line of ASCII JSON."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "version": _version(activity),
        "duration_ms": float(activity.duration_ms),
        "dt_ms": float(activity.dt_ms),
        "n_spikes": activity.n_spikes,
        "labels": list(activity.labels),
        "populations": {name: int(s.size) for name, s in activity.populations.items()},
        "states": {name: _array_form(state) for name, state in activity.states.items()},
        "weights": {
            name: {**_weights_form(activity.weights[name]), "unit": activity.weight_units[name]}
            for name in activity.weights
        },
    }
    if _some_left_out(activity):
        content["states_every_ms"] = float(activity.states_every_ms or activity.dt_ms)
        content["states_first_ms"] = float(activity.states_first_ms)
    if provenance:
        content["provenance"] = dict(activity.provenance)
    return to_json(content)


def _version(activity: Activity) -> int:
    """The earliest version of the layout that holds it."""
    if _some_left_out(activity):
        return STATE_TIMES_VERSION
    return BY_SYNAPSE_VERSION if _some_by_synapse(activity) else VERSION


def _some_left_out(activity: Activity) -> bool:
    """Whether there are states that are not those of every step."""
    return bool(activity.states) and state_steps(activity) != (1, 0)


def state_times(meta: Mapping[str, Any]) -> dict[str, float]:
    """How the states that `describe` named lie in time, as arguments of `Activity`."""
    return {name: meta[name] for name in ("states_every_ms", "states_first_ms") if name in meta}


def _array_form(array: np.ndarray) -> dict[str, Any]:
    array = np.asarray(array)
    return {"shape": list(array.shape), "dtype": array.dtype.name}


def _some_by_synapse(activity: Activity) -> bool:
    return any(isinstance(weights, SynapticWeights) for weights in activity.weights.values())


def _weights_form(weights: np.ndarray | SynapticWeights) -> dict[str, Any]:
    if not isinstance(weights, SynapticWeights):
        return _array_form(weights)
    form = {"shape": [weights.n_synapses, len(SYNAPSE_COLUMNS)], "dtype": weights.dtype.name}
    return {**form, "columns": list(SYNAPSE_COLUMNS), "sizes": list(weights.shape)}


def weight_arrays(activity: Activity) -> dict[str, np.ndarray]:
    """Weights by projection as files hold them: matrices, or where synapses stand one by one rows
    of `SYNAPSE_COLUMNS`, neurons counted from 0."""
    return {
        name: np.column_stack([weights.pre, weights.post, weights.values])
        if isinstance(weights, SynapticWeights)
        else np.asarray(weights)
        for name, weights in activity.weights.items()
    }


def weights_of(
    meta: Mapping[str, Any], arrays: Iterable[np.ndarray]
) -> dict[str, np.ndarray | SynapticWeights]:
    """The weights that `weight_arrays` made arrays of, which come in the order of `meta`."""
    found: dict[str, np.ndarray | SynapticWeights] = {}
    for (name, form), array in zip(meta["weights"].items(), arrays, strict=False):
        found[name] = array
        if is_by_synapse(form):
            pre, post, values = np.asarray(array).reshape(-1, len(SYNAPSE_COLUMNS)).T
            found[name] = SynapticWeights(pre, post, values, tuple(form["sizes"]))
    return found


def is_by_synapse(form: Mapping[str, Any]) -> bool:
    """Whether weights are rows of `SYNAPSE_COLUMNS`, by what the metadata say of them."""
    return "sizes" in form


def array_bytes(activity: Activity) -> int:
    """Bytes of the recorded states and the weights as files hold them."""
    states = sum(int(np.asarray(state).nbytes) for state in activity.states.values())
    forms = [_weights_form(weights) for weights in activity.weights.values()]
    return states + sum(math.prod(f["shape"]) * np.dtype(f["dtype"]).itemsize for f in forms)


def parse(text: Any) -> dict[str, Any] | None:
    """What `describe` wrote, or None where `text` is something else.

    Raises
    ------
    SpikelearnError
        If a newer version of the toolkit wrote it.
    """
    try:
        content = json.loads(text)
    except (TypeError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return None
    if content.get("version") not in (VERSION, BY_SYNAPSE_VERSION, STATE_TIMES_VERSION):
        raise SpikelearnError(
            f"written in version {content.get('version')} of the layout, this toolkit reads"
            f" version {STATE_TIMES_VERSION}; use a newer spikelearn"
        )
    return content


def rebuild(
    meta: Mapping[str, Any],
    populations: Mapping[str, PopulationSpikes],
    states: Iterable[np.ndarray] = (),
    weights: Iterable[np.ndarray] = (),
) -> Activity:
    """The activity that `describe` described, from the arrays read back.

    `states` and `weights` come in the order in which `meta` names them.

    Parameters
    ----------
    meta : mapping
        What `describe` wrote, parsed, with the provenance.
    populations : mapping of str to PopulationSpikes
    states, weights : iterables of arrays
        In the order in which `meta` names them.

    Raises
    ------
    SpikelearnError
        If spikes are missing, or lie where none can.
    """
    from spikelearn.spikes.activity import Activity

    activity = Activity(
        populations=populations,
        duration_ms=meta["duration_ms"],
        dt_ms=meta["dt_ms"],
        n_trials=len(meta["labels"]),
        labels=tuple(meta["labels"]),
        states=dict(zip(meta["states"], states, strict=False)),
        weights=weights_of(meta, weights),
        provenance=meta["provenance"],
        weight_units=weight_units(meta),
        **state_times(meta),
    )
    check(activity)
    if activity.n_spikes != meta["n_spikes"]:
        raise SpikelearnError(
            f"it holds {counted(activity.n_spikes, 'spike')} where {meta['n_spikes']} were written"
        )
    return activity


def weight_units(meta: Mapping[str, Any]) -> dict[str, str]:
    """Units of the weights that `describe` named; files of earlier versions do not say them."""
    return {name: form["unit"] for name, form in meta["weights"].items() if "unit" in form}


def to_json(content: Any) -> str:
    """Plain YAML values, NumPy numbers, dates and paths as one line of ASCII JSON.

    Raises
    ------
    SpikelearnError
        If something else is among them.
    """
    try:
        return json.dumps(content, default=_plain)
    except (TypeError, ValueError) as error:
        raise SpikelearnError(f"provenance must be plain YAML values: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"found a {type(value).__name__}")


def digest(activity: Activity) -> str:
    """SHA-256 of the activity's content in hexadecimal; the same run gives the same digest.

    The moment of creation is left out, for two runs of the same thing differ in it.
    """
    lasting = {key: value for key, value in activity.provenance.items() if key != "created"}
    summed = hashlib.sha256((describe(activity, provenance=False) + to_json(lasting)).encode())
    arrays = [
        array
        for spikes in activity.populations.values()
        for array in (spikes.times_ms, spikes.senders, spikes.trials)
    ]
    for array in [*arrays, *activity.states.values(), *weight_arrays(activity).values()]:
        summed.update(np.ascontiguousarray(array).reshape(-1).data)
    return summed.hexdigest()
