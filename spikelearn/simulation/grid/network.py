"""From a description to arrays on the time grid: the part of a simulation all backends share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import in_steps
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.grid.channels import channels_onto
from spikelearn.simulation.grid.inputs import (
    Background,
    InputSpikes,
    Noise,
    background_on_grid,
    currents_on_grid,
    noise_on_grid,
    sources_on_grid,
)
from spikelearn.simulation.grid.neurons import GridNeurons, neurons_on_grid
from spikelearn.simulation.grid.synapses import Synapses, projection_on_grid
from spikelearn.simulation.spike_store import SPIKES_IN_MEMORY_MB, StoredSpikes
from spikelearn.stimuli.stimulus import Stimulus

__all__ = [
    "Background",
    "GridNetwork",
    "InputSpikes",
    "Noise",
    "PartialRun",
    "Result",
    "Spikes",
    "Synapses",
    "diverged",
    "to_grid",
]  # fmt: skip


@dataclass(frozen=True)
class GridNetwork:
    """Everything a backend needs, on the grid."""

    dt_ms: float
    n_steps: int
    n_trials: int
    neurons: dict[str, GridNeurons]
    sources: dict[str, InputSpikes]
    synapses: tuple[Synapses, ...]
    background: tuple[Background, ...]
    noise: tuple[Noise, ...] = ()
    currents: dict[str, np.ndarray] = field(default_factory=dict)
    record: tuple[str, ...] = ()
    record_potential: tuple[str, ...] = ()
    spikes_in_memory_mb: float = SPIKES_IN_MEMORY_MB

    @property
    def plastic(self) -> bool:
        """Whether any projection is plastic."""
        return any(s.plasticity is not None for s in self.synapses)

    def driven(self, name: str) -> bool:
        """Whether a current from outside flows into a population."""
        return name in self.currents or any(item.target == name for item in self.noise)

    def drive(self, name: str, first_trial: int, last_trial: int) -> Iterator[np.ndarray]:
        """For each step in turn, the current from outside into a population.

        Parameters
        ----------
        name : str
            The population.
        first_trial, last_trial : int
            Of the trials first_trial to last_trial - 1.

        Yields
        ------
        array of shape (last_trial - first_trial or 1, size or 1)
            As the model's equation takes it: mV of R I for leaky integrate-and-fire neurons, mV/ms
            for the others.
        """
        noises = [n.values(first_trial, last_trial) for n in self.noise if n.target == name]
        given = self.currents.get(name, np.zeros((1, self.n_steps, 1)))
        part = given[first_trial:last_trial] if given.shape[0] > 1 else given
        for step in range(self.n_steps):
            current = part[:, step]
            for noise in noises:
                current = current + next(noise)
            yield current


Spikes = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Steps, senders and trials, each of shape (n_spikes,)."""

Result = tuple[Mapping[str, Spikes | StoredSpikes], dict[str, np.ndarray], dict[str, np.ndarray]]
"""What a backend finds: spikes by population, states by name, weights by projection."""


class PartialRun(KeyboardInterrupt):
    """A run that was interrupted, with its result until then: steps reached in each trial.

    `reason` is a sentence where it was not the user who did it.
    """

    def __init__(self, result: Result, reached: np.ndarray, reason: str | None = None) -> None:
        super().__init__()
        self.result, self.reached, self.reason = result, reached, reason

    def kept(self, n_steps: int) -> tuple[np.ndarray, int]:
        """The trials worth keeping, and up to which step."""
        complete = np.flatnonzero(self.reached >= n_steps)
        if complete.size:
            return complete, n_steps
        return np.arange(self.reached.size), int(self.reached.min(initial=n_steps))


def to_grid(
    network: SpikingNetwork,
    stimulus: Stimulus,
    duration_ms: float,
    dt_ms: float,
    seed: int,
    record_potential: tuple[str, ...],
) -> GridNetwork:
    """Draw what is random and move everything onto the grid.

    Parameters
    ----------
    network : SpikingNetwork
    stimulus : Stimulus
        One batch of trials.
    duration_ms, dt_ms : float
        Duration of a trial, a multiple of the time step, and that step, in ms.
    seed : int
        Of connectivity, weights, delays, initial potentials, background and noise.
    record_potential : tuple of str
        Populations whose membrane potential is recorded.

    Returns
    -------
    GridNetwork

    Raises
    ------
    SpikelearnError
        Where the network, the stimulus and the grid do not fit together.
    """
    if not dt_ms > 0 or not np.isfinite(dt_ms):
        raise SpikelearnError(f"dt_ms must be greater than 0, found {dt_ms:g}")
    n_steps = in_steps(duration_ms, dt_ms, "duration_ms")
    if n_steps < 1:
        raise SpikelearnError(f"duration_ms must be at least dt_ms, found {duration_ms:g}")
    for name in record_potential:
        if name not in network.neurons:
            raise SpikelearnError(
                f"cannot record the potential of '{name}'; neurons are {', '.join(network.neurons)}"
            )
    channels = channels_onto(network)
    neurons = {
        name: neurons_on_grid(
            name,
            population,
            list(channels[name]),
            dt_ms,
            in_steps(population.refractory_ms, dt_ms, f"population '{name}': refractory_ms"),
            seed,
        )
        for name, population in network.neurons.items()
    }
    return GridNetwork(
        dt_ms=dt_ms,
        n_steps=n_steps,
        n_trials=stimulus.n_trials,
        neurons=neurons,
        sources=sources_on_grid(network, stimulus, n_steps, dt_ms),
        synapses=tuple(
            synapses
            for index, projection in enumerate(network.projections)
            for synapses in projection_on_grid(
                index,
                projection,
                network,
                neurons[projection.target],
                channels[projection.target][projection.synapse],
                dt_ms,
                seed,
            )
        ),
        background=tuple(
            background_on_grid(
                index, item, network, channels[item.target][item.synapse], n_steps, dt_ms, seed
            )
            for index, item in enumerate(network.background)
        ),
        noise=tuple(
            noise_on_grid(index, item, network, dt_ms, seed)
            for index, item in enumerate(network.noise)
        ),
        currents=currents_on_grid(network, stimulus, n_steps),
        record=network.recorded,
        record_potential=record_potential,
    )


def diverged(population: str, dt_ms: float, first_ms: float, last_ms: float) -> SpikelearnError:
    """What to say where a potential is no longer a number.

    Parameters
    ----------
    population : str
    dt_ms : float
        The time step, in ms.
    first_ms, last_ms : float
        Between which times it happened, in ms.
    """
    return SpikelearnError(
        f"the potential of '{population}' grew beyond all bounds between {first_ms:g} and"
        f" {last_ms:g} ms; use a dt_ms below {dt_ms:g}, or weaker input"
    )
