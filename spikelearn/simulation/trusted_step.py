"""A word where a time step is larger than what a neuron model is trusted with."""

from __future__ import annotations

import warnings

from spikelearn.networks.spiking import SpikingNetwork


class TimeStepWarning(UserWarning):
    """A time step beyond which a model's spikes are not trusted to be those of its equations."""


def warn_of_step(network: SpikingNetwork, dt_ms: float, stacklevel: int = 2) -> None:
    """Warn of each population whose model is not trusted with the step.

    What a network of leaky neurons says itself (`dt_ms`) is part of what it is: one that was
    trained or converted step by step has no other.

    Parameters
    ----------
    network : SpikingNetwork
    dt_ms : float
    stacklevel : int
        As for `warnings.warn`: 2 names the line that calls this function.
    """
    for name, population in network.neurons.items():
        model, trusted = type(population), population.trusted_dt_ms
        if not model.in_files or (model.leaky and dt_ms == network.dt_ms):
            continue
        if trusted is None:
            sentence = (
                f"population '{name}': how large a time step neurons of model {population.model}"
                " bear is not known; spikelearn.simulation.accuracy.largest_step_ms measures it,"
                " and trusted_dt_ms of the class says it"
            )
        elif dt_ms > trusted * (1 + 1e-9):
            sentence = (
                f"population '{name}': the time step of {dt_ms:g} ms is larger than the largest"
                f" that is trusted with neurons of model {population.model}, {trusted:g} ms; the"
                " number of their spikes may be wrong by more than an eighth"
            )
        else:
            continue
        warnings.warn(sentence, TimeStepWarning, stacklevel=stacklevel + 1)
