"""How much memory a simulation takes, told before anything is drawn."""

from __future__ import annotations

import psutil

from spikelearn._errors import SpikelearnError
from spikelearn.networks.distributions import AnyDistribution
from spikelearn.networks.spiking import SpikingNetwork

# Of a synapse: two indices of 4 bytes and a weight of 8 in the lowered network, and what a backend
# makes of it: native another index and weight, Brian2 its own indices, weights and queues for each
# trial (those of one run at a time), the torch backends a row of a sparse matrix.
_LOWERED = 16
_BY_BACKEND = {"native": 12, "brian2": 60, "snntorch": 32, "norse": 32}
# While a projection is drawn, and sorted by delays that are drawn, besides what remains of it.
_DRAWING, _SORTING = 16, 40
_GB = 1e9


def needed_bytes(
    network: SpikingNetwork, backend: str, n_trials: int, n_steps: int, record: tuple[str, ...]
) -> float:
    """Bytes of a simulation's synapses and recorded potentials, about."""
    numbers = _numbers_of_synapses(network)
    a_synapse = _LOWERED + _BY_BACKEND.get(backend, _BY_BACKEND["native"])
    passing = [
        number * (_DRAWING + (_SORTING if isinstance(p.delay_ms, AnyDistribution) else 0))
        for number, p in zip(numbers, network.projections, strict=True)
    ]
    synapses = a_synapse * sum(numbers) + max(passing, default=0.0)
    recorded = sum(network.populations[name].size for name in record if name in network.populations)
    return synapses + 2.0 * 8 * recorded * n_steps * n_trials


def check_memory(
    network: SpikingNetwork, backend: str, n_trials: int, n_steps: int, record: tuple[str, ...]
) -> None:
    """Refuse a simulation that the free memory does not hold.

    Raises
    ------
    SpikelearnError
        Saying how much it would need, and for what.
    """
    needed = needed_bytes(network, backend, n_trials, n_steps, record)
    free = psutil.virtual_memory().available
    if needed <= free:
        return
    number = sum(_numbers_of_synapses(network))
    potentials = f" and the potentials of {', '.join(record)}" if record else ""
    raise SpikelearnError(
        f"the simulation of '{network.name}' would need about {needed / _GB:.1f} GB of memory for"
        f" {number:,.0f} synapses{potentials}, but {free / _GB:.1f} GB are free; make the network"
        " smaller (scaled), or record less"
    )


def _numbers_of_synapses(network: SpikingNetwork) -> list[float]:
    return [
        p.connectivity.expected_number(
            network.populations[p.source].size, network.populations[p.target].size
        )
        for p in network.projections
    ]
