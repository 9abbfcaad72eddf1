"""What a network is shown: a protocol realised for it, spike trains from files of any format."""

from __future__ import annotations

from pathlib import Path

from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.simulate import time_step
from spikelearn.spikes import load
from spikelearn.stimuli import load_protocol
from spikelearn.stimuli.protocol import AnyProtocol
from spikelearn.stimuli.stimulus import Stimulus


def stimulus_for(
    network: SpikingNetwork,
    protocol: str | Path | AnyProtocol,
    duration_ms: float = 1000.0,
    dt_ms: float | None = None,
    seed: int = 0,
) -> Stimulus:
    """What a network is shown by a protocol, ready for `simulate`.

    It stands here because it joins rooms: a protocol knows no networks, and no formats of spike
    trains.

    Parameters
    ----------
    network : SpikingNetwork
    protocol : str, Path or protocol
        A shipped stimulus by name, a YAML file, or a protocol made in Python.
    duration_ms, dt_ms : float
        Duration of a trial and time step; the network's own step if absent, or 0.1.
    seed : int
        Seed of everything random in the stimulus.

    Raises
    ------
    SpikelearnError
        Where protocol, network and grid do not fit together.

    Examples
    --------
    >>> import spikelearn as sl
    >>> network = sl.load_model("lif_feedforward")
    >>> stimulus = sl.stimulus_for(network, "poisson", duration_ms=500)
    >>> list(stimulus.spikes) == list(network.sources)
    True
    """
    if isinstance(protocol, str | Path):
        protocol = load_protocol(protocol)
    return protocol.realise(
        network.sources,
        duration_ms,
        time_step(network) if dt_ms is None else dt_ms,
        seed,
        {name: population.size for name, population in network.neurons.items()},
        load,
    )
