"""What NEST takes of memory besides our own part, in bytes that were measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn._room import bounded

if TYPE_CHECKING:
    from spikelearn.networks.spiking import SpikingNetwork

BLOCK_BYTES = 512 * 2**20  # of input that is handed over at once, and of one number of it
INPUT_BYTES = 80
SYNAPSES_AT_ONCE = 2_000_000  # on their way
SYNAPSE_BYTES = 32
_CONNECTING = 70  # of a synapse on its way
# Of a neuron; what it has besides where it is recorded, and a generator for it alone has, for which
# NEST keeps room for a thousand synapses.
_STATE, _RECORDED, _GENERATOR = 3_500, 28_000, 38_000


def of_neuron(network: SpikingNetwork, name: str, n_steps: float) -> float:
    """Bytes of a neuron of a population, with the generators that it has for itself.

    Parameters
    ----------
    network : SpikingNetwork
    name : str
    n_steps : float
        Of a run.
    """
    with_generators = [b.target for b in network.background] + [n.target for n in network.noise]
    width = sum(bounded(network.populations[target].size) for target in with_generators)
    fed = int(min(INPUT_BYTES * bounded(n_steps), BLOCK_BYTES / max(width, 1.0)))
    generators = with_generators.count(name)
    return _STATE + _RECORDED * (name in network.recorded) + generators * (_GENERATOR + fed)


def connecting(number: float) -> float:
    """Bytes while so many synapses are handed over, beside what is drawn."""
    return _CONNECTING * min(number, SYNAPSES_AT_ONCE)
