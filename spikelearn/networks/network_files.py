"""A spiking network as a YAML file, its arrays beside it as safetensors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._atomic import atomic_folder
from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn.networks.neurons import NeuronModel

if TYPE_CHECKING:
    from spikelearn.networks.spiking import SpikingNetwork

_ARRAYS = "weights.safetensors"


def save_network(network: SpikingNetwork, folder: Path) -> Path:
    """Write `network.yaml` and `weights.safetensors` to a folder of their own."""
    from safetensors.numpy import save_file

    others = {p.name for p in folder.glob("*")} - {"network.yaml", _ARRAYS}
    if others:
        raise SpikelearnError(
            f"{folder} holds other files ({sorted(others)[0]}); save a network in a folder of"
            " its own"
        )
    for name, population in network.populations.items():
        if isinstance(population, NeuronModel) and not population.in_files:
            raise SpikelearnError(
                f"the equations of population '{name}' are code, which is not kept in files; keep"
                " the Python program that makes the network"
            )
    content = network.model_dump(exclude_none=True, exclude={"projections"})
    arrays: dict[str, np.ndarray] = {}
    content["projections"] = []
    for index, projection in enumerate(network.projections):
        large = {
            f"weight_{projection.unit}": projection.weight,
            "delay_ms": projection.delay_ms,
            **{end: getattr(projection.connectivity, end, None) for end in ("pre", "post")},
        }
        kept = {name: value for name, value in large.items() if isinstance(value, np.ndarray)}
        fields = projection.model_dump(
            exclude_none=True,
            exclude={**dict.fromkeys(kept, True), "connectivity": set(kept)},
        )
        for name, array in kept.items():
            key = f"{index}:{projection.name}"
            place = fields["connectivity"] if name in ("pre", "post") else fields
            if not name.startswith("weight_"):
                key = f"{key}:{name}"
            arrays[key] = np.ascontiguousarray(array)
            place[name] = {"file": _ARRAYS, "key": key}
        content["projections"].append(fields)
    with atomic_folder(folder) as temporary:
        if arrays:
            save_file(arrays, temporary / _ARRAYS)
        write_yaml(temporary / "network.yaml", _plain(content))
    return folder / "network.yaml"


def _plain(value: Any) -> Any:
    """Tuples as lists, NumPy scalars as numbers, for YAML."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, str) or not isinstance(value, Sequence | np.generic):
        return value
    return value.item() if isinstance(value, np.generic) else [_plain(item) for item in value]
