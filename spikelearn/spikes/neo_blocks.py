"""What every Neo block of an activity has: notes of what is not in its segments, and signals.

`neo_conversion` lays these out trial by trial, `neo_session` on one session clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.spikes.metadata import describe, parse, to_json, weight_arrays
from spikelearn.spikes.units import state_unit

if TYPE_CHECKING:
    import neo

    from spikelearn.spikes.activity import Activity


# What blocks say in which trials follow one another in one segment, as `layout`.
SESSION_CLOCK = "session clock"


def block_name(activity: Activity) -> str:
    """The name of the network that was simulated, or what a block holds."""
    network = activity.provenance.get("network")
    name = network.get("name") if isinstance(network, Mapping) else None
    return str(name or "activity")


def block_annotations(activity: Activity) -> dict[str, Any]:
    """What is not in a block's segments, as its annotations."""
    noted: dict[str, Any] = {
        "activity": describe(activity, provenance=False),
        "provenance": to_json(dict(activity.provenance)),
    }
    for i, array in enumerate(weight_arrays(activity).values()):
        # Flat, because Neo's NIX writer drops annotations of more than one dimension.
        noted[f"weights_{i}"] = array.ravel()
    for i, unit in enumerate(activity.weight_units.values()):
        noted[f"weights_{i}_unit"] = unit
    return noted


def state_signal(
    name: str, values: np.ndarray, every_ms: float, first_ms: float = 0.0, **annotations: Any
) -> neo.AnalogSignal:
    """The recorded state "population.variable", values of shape (n_times, size), as a signal.

    Parameters
    ----------
    name : str
        "population.variable".
    values : array of shape (n_times, size)
    every_ms, first_ms : float
        The sampling period, and the time of the first.
    **annotations
        What else the signal is annotated with.
    """
    import neo
    import quantities as pq

    population, _, variable = name.rpartition(".")
    values = np.asarray(values)
    return neo.AnalogSignal(
        values if values.dtype.kind == "f" else values.astype(np.float64),
        units=state_unit(variable).name or pq.dimensionless,
        t_start=float(first_ms) * pq.ms,
        sampling_period=float(every_ms) * pq.ms,
        name=name,
        population=population,
        variable=variable,
        **annotations,
    )


def block_metadata(annotations: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `block_annotations` noted, with the provenance; None for blocks made by others."""
    import json

    meta = parse(annotations.get("activity"))
    if meta is not None:
        meta["provenance"] = json.loads(annotations["provenance"])
    return meta


def read_weights(annotations: Mapping[str, Any], meta: Mapping[str, Any]) -> list[np.ndarray]:
    """The weight matrices that `block_annotations` noted, in order."""
    return [
        np.asarray(annotations[f"weights_{i}"], dtype=form["dtype"]).reshape(form["shape"])
        for i, form in enumerate(meta["weights"].values())
    ]
