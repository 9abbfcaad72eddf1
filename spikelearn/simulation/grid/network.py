"""From a description to arrays on the time grid: the part of a simulation all backends share.

A channel is one decaying state behind a population's synapses (`grid/neurons.py`). Synapses onto a
population that are alike share theirs, whatever projection or background input they belong to;
which channel each feeds is found once, before anything is put on the grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._time_steps import in_steps
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.networks.synapses import AlphaSynapse, DeltaSynapse, Synapse
from spikelearn.simulation.grid.inputs import (
    Background,
    GridSpikes,
    Noise,
    background_on_grid,
    currents_on_grid,
    noise_on_grid,
    sources_on_grid,
)
from spikelearn.simulation.grid.neurons import GridNeurons, neurons_on_grid
from spikelearn.simulation.grid.plasticity import GridPlasticity
from spikelearn.simulation.grid.synapses import (
    GridProjection,
    Synapses,
    SynapsesWhenAsked,
    projection_on_grid,
    weights_by_name,
)
from spikelearn.simulation.spike_store import SPIKES_IN_MEMORY_MB, StoredSpikes
from spikelearn.stimuli.stimulus import Stimulus

__all__ = [
    "Background",
    "GridNetwork",
    "GridProjection",
    "GridSpikes",
    "Noise",
    "PartialRun",
    "Result",
    "Synapses",
    "diverged",
    "to_grid",
    "weights_by_name",
]  # fmt: skip

# Where a thousandth of a step is no longer than a thousandth of this, no finer one is advised.
_FINEST_MS = 0.025 * (1 + 1e-9)


@dataclass(frozen=True)
class GridNetwork:
    """Everything a backend needs, on the grid."""

    dt_ms: float
    n_steps: int
    n_trials: int
    neurons: dict[str, GridNeurons]
    sources: dict[str, GridSpikes]
    synapses: Sequence[Synapses]
    background: tuple[Background, ...]
    noise: tuple[Noise, ...] = ()
    currents: dict[str, np.ndarray] = field(default_factory=dict)
    record: tuple[str, ...] = ()
    record_potential: tuple[str, ...] = ()
    spikes_in_memory_mb: float = SPIKES_IN_MEMORY_MB
    # Of populations whose potential is recorded of some neurons alone, which.
    chosen: dict[str, np.ndarray] = field(default_factory=dict)
    # Potentials are recorded at the steps 0, record_every, 2 record_every ...
    record_every: int = 1

    def of_chosen(self, name: str, values: np.ndarray) -> np.ndarray:
        """Of numbers of all neurons of a population, in the last axis, those that are recorded."""
        return values[..., self.chosen[name]] if name in self.chosen else values

    def recorded(self, name: str, values: np.ndarray) -> np.ndarray:
        """Of numbers of a population, of shape (..., n_steps, size), those that are recorded."""
        return self.of_chosen(name, values[..., :: self.record_every, :])

    def n_recorded(self, n_steps: int) -> int:
        """Of the first `n_steps` steps, those at which potentials are recorded."""
        return -(-n_steps // self.record_every)

    @property
    def projections(self) -> Sequence[GridProjection | Synapses]:
        """The synapses projection by projection, none of which is drawn before it is asked for."""
        return getattr(self.synapses, "projections", self.synapses)

    @property
    def rules(self) -> list[GridPlasticity]:
        """Of the plastic projections."""
        return [p.plasticity for p in self.projections if p.plasticity is not None]

    @property
    def plastic(self) -> bool:
        """Whether any projection is plastic."""
        return bool(self.rules)

    def most_spikes(self, name: str) -> int:
        """Spikes of a neuron of a source or of a population in one step, at most."""
        return self.sources[name].most if name in self.sources else 1

    def several_kinds(self, name: str) -> bool:
        """Whether synapses of several kinds end on a population: delta, exponential, alpha."""
        channels = self.neurons[name].channels
        fed = {channel.feeds for channel in channels}
        kinds = {
            "exponential" if channel.feeds is None else "alpha"
            for number, channel in enumerate(channels)
            if number not in fed
        }
        jumps = [p for p in self.projections if p.target == name and p.channel is None]
        beside = [b for b in self.background if b.target == name and b.channel is None]
        return len(kinds) + bool(jumps or beside) > 1

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
        given = self.currents.get(name)
        if given is None:  # not an array of as many zeros as there are steps
            given = np.broadcast_to(np.zeros(1), (1, self.n_steps, 1))
        part = given[first_trial:last_trial] if given.shape[0] > 1 else given
        for step in range(self.n_steps):
            current = part[:, step]
            for noise in noises:
                current = current + next(noise)
            yield current


Result = tuple[
    Mapping[str, GridSpikes | StoredSpikes], dict[str, np.ndarray], dict[str, np.ndarray]
]
"""What a backend finds: spikes by population, states by name, and by projection the weights of
plastic synapses, of shape (n_synapses,), in the order in which the grid's synapses name them; see
`weights_by_name`."""


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
    """Move everything onto the grid; synapses are drawn when they are asked for.

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
            min(
                in_steps(population.refractory_ms, dt_ms, f"population '{name}': refractory_ms"),
                n_steps,
            ),
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
        synapses=SynapsesWhenAsked(
            projection_on_grid(
                index,
                projection,
                network,
                neurons[projection.target],
                channels[projection.target][projection.synapse],
                dt_ms,
                n_steps,
                seed,
            )
            for index, projection in enumerate(network.projections)
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


def diverged(
    neurons: GridNeurons, dt_ms: float, first_ms: float, last_ms: float
) -> SpikelearnError:
    """What to say where a potential is no longer a number.

    Parameters
    ----------
    neurons : GridNeurons
        The population.
    dt_ms : float
        The time step, in ms.
    first_ms, last_ms : float
        Between which times it happened, in ms.
    """
    when = f"between {first_ms:g} and {last_ms:g} ms"
    part_ms = dt_ms / neurons.n_substeps
    if neurons.calm is not None and part_ms <= _FINEST_MS:
        return SpikelearnError(
            f"the potential of '{neurons.name}' changed faster than can be followed at a dt_ms of"
            f" {dt_ms:g}, even where steps of {part_ms:.3g} ms are divided into a thousand parts,"
            f" {when}; such input is beyond the model: use weaker input"
        )
    return SpikelearnError(
        f"the potential of '{neurons.name}' grew beyond all bounds, or changed faster than a step"
        f" can follow however it is divided, {when}; use a dt_ms below {dt_ms:g}, or weaker input"
    )


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
