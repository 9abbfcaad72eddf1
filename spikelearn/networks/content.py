"""What a spiking network consists of, as plain values: to tell one from another, and to record it.

    content(network)                 what the provenance of a simulation says of its network
    difference(recorded, network)    what is other in a network than was recorded, or None

Names, descriptions, what is recorded and the time step are no part of what is compared: they change
no synapse and no neuron.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from spikelearn.networks.spiking import SpikingNetwork

_COMPARED = ("populations", "projections", "background", "noise", "weight_bits")


def content(network: SpikingNetwork) -> dict[str, Any]:
    """The description as plain values; arrays as their shape and a digest of their numbers."""

    def fields(part: Any) -> dict[str, Any]:
        return {
            k: v.model_dump() if hasattr(v, "model_dump") else v
            for k, v in dict(part).items()
            if v is not None
        }

    plain: dict[str, Any] = shortened(
        {
            **network.model_dump(exclude_none=True, exclude={"populations", "projections"}),
            "populations": {name: fields(p) for name, p in network.populations.items()},
            "projections": [fields(p) for p in network.projections],
        }
    )
    return plain


def shortened(value: Any) -> Any:
    """Plain values as they are, arrays as text: their numbers would drown the rest."""
    if isinstance(value, Mapping):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shortened(item) for item in value]
    if isinstance(value, np.ndarray):
        if not value.ndim:
            return str(value)
        digest = hashlib.sha256(np.ascontiguousarray(value).data).hexdigest()
        return f"array of shape {value.shape}, SHA-256 {digest[:16]}"
    return value


def difference(recorded: Mapping[str, Any], network: SpikingNetwork) -> str | None:
    """The first thing in which a network is another than the one recorded, in words.

    Parameters
    ----------
    recorded : mapping
        What `content` gave, perhaps read from a file.
    network : SpikingNetwork

    Returns
    -------
    str or None
        "populations.E.size is 100 there and 80 here"; None where nothing differs.
    """
    mine = content(network)
    for part in _COMPARED:
        there, here = (_named(which.get(part)) for which in (recorded, mine))
        found = _difference(there, here, part)
        if found is not None:
            return found
    return None


def _named(parts: Any) -> Any:
    """Entries of a list by what they join, where that tells them apart."""
    if not isinstance(parts, list | tuple) or not all(isinstance(p, Mapping) for p in parts):
        return parts
    names = [
        f"[{p['source']}->{p['target']}]" if "source" in p else f"[{p.get('target')}]"
        for p in parts
    ]
    if len(set(names)) < len(names):
        names = [f"[{index}]" for index in range(len(parts))]
    return dict(zip(names, parts, strict=True))


def _difference(there: Any, here: Any, path: str) -> str | None:
    if isinstance(there, Mapping) and isinstance(here, Mapping | None):
        return _difference_of_fields(there, here or {}, path)
    if isinstance(here, Mapping) and there is None:
        return _difference_of_fields({}, here, path)
    if isinstance(there, list | tuple) and isinstance(here, list | tuple):
        if len(there) == len(here):
            pairs = zip(there, here, strict=True)
            found_in = (_difference(a, b, f"{path}[{k}]") for k, (a, b) in enumerate(pairs))
            return next((found for found in found_in if found is not None), None)
    elif _same(there, here):
        return None
    return f"{path} is {_shown(there)} there and {_shown(here)} here"


def _difference_of_fields(
    there: Mapping[str, Any], here: Mapping[str, Any], path: str
) -> str | None:
    for key in dict.fromkeys([*there, *here]):
        entry = str(key).startswith("[")
        where = f"{path}{key}" if entry else f"{path}.{key}"
        if entry and (key not in there or key not in here):
            return f"{where} is {'here and not there' if key in here else 'there and not here'}"
        found = _difference(there.get(key), here.get(key), where)
        if found is not None:
            return found
    return None


def _same(there: Any, here: Any) -> bool:
    if isinstance(there, str) and isinstance(here, str) and "SHA-256" not in there:
        # Files of earlier versions say only the shape of an array.
        return there == here.partition(", SHA-256")[0]
    nothing: tuple[Any, ...] = (None, [], ())
    return bool(there == here) or (there in nothing and here in nothing)


def _shown(value: Any) -> str:
    return "absent" if value is None else f"{value!r:.60}" if isinstance(value, str) else str(value)
