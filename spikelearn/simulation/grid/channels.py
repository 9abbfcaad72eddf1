"""Which channel of its target each synapse feeds: found once, before anything is put on the grid.

A channel is one decaying state behind a population's synapses (`grid/neurons.py`). Synapses onto a
population that are alike share theirs, whatever projection or background input they belong to.
"""

from __future__ import annotations

from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.networks.synapses import AlphaSynapse, DeltaSynapse, Synapse


def channels_onto(network: SpikingNetwork) -> dict[str, dict[Synapse, int | None]]:
    """For each population, the synapses that end on it, with the channel that their spikes jump.

    Channels are numbered in the order in which the description names the synapses; None is the
    potential itself, which delta synapses jump.
    """
    channels: dict[str, dict[Synapse, int | None]] = {name: {} for name in network.neurons}
    n_channels = dict.fromkeys(network.neurons, 0)
    for item in (*network.projections, *network.background):
        onto = channels[item.target]
        if item.synapse in onto:
            continue
        if isinstance(item.synapse, DeltaSynapse):
            onto[item.synapse] = None
            continue
        # An alpha synapse has two: its current, and the one that feeds it, which spikes jump.
        n_channels[item.target] += isinstance(item.synapse, AlphaSynapse)
        onto[item.synapse] = n_channels[item.target]
        n_channels[item.target] += 1
    return channels
