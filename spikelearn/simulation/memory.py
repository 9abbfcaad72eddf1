"""How much memory and disk a simulation takes, told before anything is drawn."""

from __future__ import annotations

import tempfile

import psutil

from spikelearn._errors import SpikelearnError
from spikelearn.networks.distributions import AnyDistribution
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.spike_store import ARRAY_BYTES, MB, RECORDED_BYTES

# Of a synapse: two indices of 4 bytes and a weight of 8 on the grid, and what a backend makes of
# it: native another index and weight, Brian2 its own indices, weights and queues for each
# trial (those of one run at a time), the torch backends a row of a sparse matrix.
# What learns is full matrices there: the weights, those of the last block, and who has a synapse.
_LOWERED = 16
_BY_BACKEND = {"native": 12, "brian2": 60, "snntorch": 32, "norse": 32}
_LEARNING_PAIR = {"snntorch": 17, "norse": 17}
# While a projection is drawn, and sorted by delays that are drawn, besides what remains of it.
_DRAWING, _SORTING = 16, 40
# Of a spike in the other backends: its step, sender and trial, as found, joined, chosen and sorted.
_SPIKE_ELSEWHERE = 4 * ARRAY_BYTES
_GB = 1e9


def expected_spikes(network: SpikingNetwork, n_trials: int, duration_ms: float) -> float:
    """How many spikes will be recorded of the populations whose rates the network says.

    Parameters
    ----------
    network : SpikingNetwork
    n_trials : int
    duration_ms : float
    """
    per_second = sum(
        network.rates_hz.get(name, 0.0) * network.populations[name].size
        for name in network.recorded
    )
    return per_second * n_trials * duration_ms / 1000.0


def needed_bytes(
    network: SpikingNetwork,
    backend: str,
    n_trials: int,
    n_steps: int,
    record: tuple[str, ...],
    n_spikes: float = 0.0,
    spikes_in_memory_mb: float = 0.0,
) -> float:
    """Bytes of a simulation's synapses, recorded potentials and expected spikes, about.

    Parameters
    ----------
    network : SpikingNetwork
    backend : str
        Its name, with or without a target.
    n_trials : int
    n_steps : int
    record : tuple of str
        Populations whose potential is recorded.
    n_spikes : float
        How many spikes are expected of the recorded populations.
    spikes_in_memory_mb : float
        Spikes beyond this are kept on disk, in MB, where the backend does so.
    """
    numbers = _numbers_of_synapses(network)
    base = backend.partition(":")[0]
    a_synapse = _LOWERED + _BY_BACKEND.get(base, _BY_BACKEND["native"])
    pairs = sum(
        network.populations[p.source].size * network.populations[p.target].size
        for p in network.projections
        if p.plasticity is not None
    )
    passing = [
        number * (_DRAWING + (_SORTING if isinstance(p.delay_ms, AnyDistribution) else 0))
        for number, p in zip(numbers, network.projections, strict=True)
    ]
    synapses = a_synapse * sum(numbers) + max(passing, default=0.0)
    synapses += _LEARNING_PAIR.get(base, 0) * pairs
    recorded = sum(network.populations[name].size for name in record if name in network.populations)
    spikes = n_spikes * _SPIKE_ELSEWHERE
    if _streams(backend):
        held = min(n_spikes, spikes_in_memory_mb * MB / ARRAY_BYTES)
        spikes = held * (ARRAY_BYTES + RECORDED_BYTES)
    return synapses + 2.0 * 8 * recorded * n_steps * n_trials + spikes


def check_memory(
    network: SpikingNetwork,
    backend: str,
    n_trials: int,
    n_steps: int,
    record: tuple[str, ...],
    n_spikes: float,
    spikes_in_memory_mb: float,
) -> None:
    """Refuse a simulation that the free memory does not hold.

    Parameters
    ----------
    network : SpikingNetwork
    backend : str
        Its name, with or without a target.
    n_trials : int
    n_steps : int
    record : tuple of str
        Populations whose potential is recorded.
    n_spikes : float
        How many spikes are expected of the recorded populations.
    spikes_in_memory_mb : float
        Spikes beyond this are kept on disk, in MB, where the backend does so.

    Raises
    ------
    SpikelearnError
        Saying how much it would need, and for what.
    """
    needed = needed_bytes(
        network, backend, n_trials, n_steps, record, n_spikes, spikes_in_memory_mb
    )
    free = psutil.virtual_memory().available
    if needed <= free:
        return
    number = sum(_numbers_of_synapses(network))
    spikes = f" and about {n_spikes:,.0f} spikes" if n_spikes else ""
    potentials = f" and the potentials of {', '.join(record)}" if record else ""
    raise SpikelearnError(
        f"the simulation of '{network.name}' would need about {needed / _GB:.1f} GB of memory for"
        f" {number:,.0f} synapses{spikes}{potentials}, but {free / _GB:.1f} GB are free; make the"
        " network smaller (scaled), or record less"
    )


def check_disk(
    network: SpikingNetwork, backend: str, n_spikes: float, spikes_in_memory_mb: float
) -> None:
    """Refuse a simulation whose expected spikes the folder for temporary files does not hold.

    Parameters
    ----------
    network : SpikingNetwork
    backend : str
        Its name, with or without a target.
    n_spikes : float
        How many spikes are expected of the recorded populations.
    spikes_in_memory_mb : float
        Spikes beyond this are kept on disk, in MB, where the backend does so.

    Raises
    ------
    SpikelearnError
        Saying how much they would need.
    """
    if not _streams(backend) or n_spikes * ARRAY_BYTES <= spikes_in_memory_mb * MB:
        return
    needed = n_spikes * (ARRAY_BYTES + RECORDED_BYTES)
    folder = tempfile.gettempdir()
    free = psutil.disk_usage(folder).free
    if needed > free:
        raise SpikelearnError(
            f"the simulation of '{network.name}' would need about {needed / _GB:.1f} GB in the"
            f" folder for temporary files, {folder}, for about {n_spikes:,.0f} spikes (by its"
            f" rates_hz), but {free / _GB:.1f} GB are free there; name a folder with more room by"
            " the environment variable TMPDIR, simulate a shorter time, or record fewer populations"
        )


def _streams(backend: str) -> bool:
    """Whether a backend writes spikes to disk beyond a limit."""
    return backend in ("native", "auto")


def _numbers_of_synapses(network: SpikingNetwork) -> list[float]:
    return [
        p.connectivity.expected_number(
            network.populations[p.source].size, network.populations[p.target].size
        )
        for p in network.projections
    ]
