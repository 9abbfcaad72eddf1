"""Some of a population's neurons, where all pairs of them would be too many."""

from __future__ import annotations

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes


def sample(
    neurons: np.ndarray, n_neurons: int | None, generator: np.random.Generator | None
) -> np.ndarray:
    """At most `n_neurons` of `neurons`: evenly spaced, or drawn where a generator is given.

    Parameters
    ----------
    neurons : array of int
        Those to choose from.
    n_neurons : int or None
        How many; None for all.
    generator : numpy.random.Generator or None
        Draws without replacement.

    Returns
    -------
    array of int
        In the order of `neurons`.

    Raises
    ------
    SpikelearnError
        If fewer than one is asked for.
    """
    if n_neurons is not None and n_neurons < 1:
        raise SpikelearnError(f"a sample needs at least 1 neuron, found n_neurons={n_neurons}")
    if n_neurons is None or n_neurons >= neurons.size:
        return neurons
    if generator is not None:
        return neurons[np.sort(generator.choice(neurons.size, n_neurons, replace=False))]
    return neurons[np.arange(n_neurons) * neurons.size // n_neurons]


def only(spikes: PopulationSpikes, neurons: np.ndarray) -> PopulationSpikes:
    """The spikes of these neurons (sorted indices), numbered anew from 0."""
    spikes.require_memory(8)
    place = np.full(spikes.size, -1)
    place[neurons] = np.arange(neurons.size)
    chosen = place[spikes.senders] >= 0
    return PopulationSpikes(
        neurons.size,
        spikes.times_ms[chosen],
        place[spikes.senders[chosen]],
        spikes.trials[chosen],
    )


def check_neuron(spikes: PopulationSpikes, population: str, neuron: int) -> None:
    """Refuse the index of a neuron that the population does not have.

    Parameters
    ----------
    spikes : PopulationSpikes
    population : str
        Its name, for the sentence.
    neuron : int
        Index within the population.

    Raises
    ------
    SpikelearnError
    """
    if not 0 <= neuron < spikes.size:
        raise SpikelearnError(
            f"population '{population}' has no neuron {neuron}; neurons are 0 to {spikes.size - 1}"
        )
