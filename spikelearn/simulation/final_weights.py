"""Weights that have learned, as an activity has them and `network.with_weights` takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.grid.network import GridNetwork, Synapses


def final_weights(
    network: SpikingNetwork, grid: GridNetwork, found: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray | SynapticWeights]:
    """Weights of plastic projections by name: a matrix where all neurons are joined once.

    Parameters
    ----------
    network : SpikingNetwork
    grid : GridNetwork
        The same on the grid, with the synapses that were drawn.
    found : mapping of str to array of shape (n_synapses,)
        What a backend gives.

    Raises
    ------
    SpikelearnError
        Where a backend does not give one weight for each synapse.
    """
    weights: dict[str, np.ndarray | SynapticWeights] = {}
    for projection in network.projections:
        if projection.plasticity is None:
            continue
        name = projection.name
        parts = [s for p in grid.projections if p.name == name for s in p.by_delay]
        n_synapses = sum(part.connections.n_synapses for part in parts)
        values = np.asarray(found.get(name, np.zeros(0)), dtype=np.float64)
        if values.shape != (n_synapses,):
            raise SpikelearnError(
                f"the backend gives weights of shape {values.shape} for projection {name}; one for"
                f" each of its {counted(n_synapses, 'synapse')} is needed, in their order"
            )
        ends = projection.source, projection.target
        shape = network.populations[ends[0]].size, network.populations[ends[1]].size
        order: Any = slice(None)
        if parts and parts[0].place is not None:  # by delay; now as they were drawn
            order = np.argsort(np.concatenate([part.place for part in parts]))
        if projection.joins_all:
            weights[name] = values[order].reshape(shape)
        else:
            pre, post = _ends(parts)
            weights[name] = SynapticWeights(pre[order], post[order], values[order], shape)
    return weights


def _ends(parts: Sequence[Synapses]) -> tuple[np.ndarray, np.ndarray]:
    nothing = np.zeros(0, dtype=np.int32)
    pre, post = (
        np.concatenate([nothing, *(getattr(part.connections, end) for part in parts)])
        for end in ("pre", "post")
    )
    return pre, post
