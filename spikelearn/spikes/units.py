"""Units of weights and recorded states, as files name them.

A state's unit stands in its name (`v_mv`), a weight's is said by the activity (`weight_units`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

WEIGHT_FIELDS = {
    "mV": "weight_mv",
    "pA": "weight_pa",
    "nS": "weight_ns",
    "mV/ms": "weight_mv_per_ms",
}
"""Unit of a weight -> the field of a network's description that holds such weights."""


@dataclass(frozen=True)
class StateUnit:
    """A unit, and how many of the SI's it is."""

    name: str
    si_name: str
    si: float


NO_UNIT = StateUnit("", "n.a.", 1.0)
_BY_ENDING = {
    "_mv": StateUnit("mV", "volts", 1e-3),
    "_pa": StateUnit("pA", "amperes", 1e-12),
    "_ns": StateUnit("nS", "siemens", 1e-9),
    "_ms": StateUnit("ms", "seconds", 1e-3),
    "_hz": StateUnit("Hz", "hertz", 1.0),
}


def state_unit(name: str) -> StateUnit:
    """The unit of a recorded state by the ending of its name; `NO_UNIT` where it says none."""
    return next((unit for ending, unit in _BY_ENDING.items() if name.endswith(ending)), NO_UNIT)


def units_of_weights(
    names: Iterable[str], given: Mapping[str, str], provenance: Mapping[str, Any]
) -> dict[str, str]:
    """The unit of each projection's weights: as given, else as the simulated network says, else mV.

    Parameters
    ----------
    names : iterable of str
        Projections, "source->target".
    given : mapping of str to str
        Units that are known.
    provenance : mapping
        Of the activity; it holds the projections of the network that was simulated, if one was.
    """
    network = provenance.get("network")
    projections = network.get("projections") if isinstance(network, Mapping) else None
    told = {}
    for projection in projections if isinstance(projections, list | tuple) else ():
        if isinstance(projection, Mapping) and {"source", "target"} <= projection.keys():
            name = f"{projection['source']}->{projection['target']}"
            found = [unit for unit, field in WEIGHT_FIELDS.items() if field in projection]
            told[name] = found[0] if len(found) == 1 else "mV"
    return {name: str(given.get(name, told.get(name, "mV"))) for name in names}
