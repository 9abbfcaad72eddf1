"""From a description to arrays on the time grid: the part of a simulation all backends share."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.networks.connectivity import Connections
from spikelearn.networks.neurons import LIF, SpikeSource
from spikelearn.networks.spiking import (
    UNITS,
    BackgroundInput,
    NoiseInput,
    Projection,
    SpikingNetwork,
)
from spikelearn.networks.synapses import DeltaSynapse, Synapse
from spikelearn.simulation._poisson import PoissonSampler
from spikelearn.simulation._spike_store import SPIKES_IN_MEMORY_MB, StoredSpikes
from spikelearn.simulation.lowered_neurons import (
    LoweredNeurons,
    channel_of,
    jump_of,
    lower_neurons,
)
from spikelearn.simulation.lowered_plasticity import LoweredPlasticity, lower_plasticity
from spikelearn.stimuli.stimulus import Stimulus

_BACKGROUND_BLOCK = 64  # steps drawn at once


@dataclass(frozen=True)
class Synapses:
    """Synapses of one delay with their weights; `channel` is the target's that spikes jump.

    A projection whose delays differ is several of these, one for each delay. Weights of plastic
    synapses are in the unit of their description, and `gain` (n_target,) is what a weight of 1
    adds to the channel or the potential; those of others contain it.
    """

    name: str
    source: str
    target: str
    connections: Connections
    delay_steps: int
    channel: int | None
    plasticity: LoweredPlasticity | None
    gain: np.ndarray | None = None


@dataclass(frozen=True)
class InputSpikes:
    """Spikes of one source on the grid, sorted by step; arrays of shape (n_spikes,)."""

    size: int
    steps: np.ndarray
    trials: np.ndarray
    senders: np.ndarray


@dataclass(frozen=True)
class Background:
    """Poisson spike counts for each neuron of a population, drawn trial by trial."""

    target: str
    channel: int | None
    weight: np.ndarray  # (size,)
    mean_count: float
    size: int
    seed: int
    index: int
    start_step: int
    stop_step: int

    def counts(self, first_trial: int, last_trial: int) -> Iterator[np.ndarray]:
        """For each step in turn, counts of shape (last_trial - first_trial, size)."""
        streams = [
            generator(self.seed, "background", self.index, trial)
            for trial in range(first_trial, last_trial)
        ]
        sampler = PoissonSampler(self.mean_count)
        silence = np.zeros((last_trial - first_trial, self.size), dtype=np.int64)
        for _ in range(self.start_step):
            yield silence
        left = self.stop_step - self.start_step
        while left > 0:
            n = min(left, _BACKGROUND_BLOCK)
            yield from np.stack([sampler.draw((n, self.size), s) for s in streams], axis=1)
            left -= n
        while True:
            yield silence


@dataclass(frozen=True)
class Noise:
    """A current drawn anew every `interval_steps` for each neuron, trial by trial."""

    target: str
    mean: np.ndarray  # (size,), as the model's equation takes it
    sd: np.ndarray  # (size,)
    interval_steps: int
    seed: int
    index: int

    def values(self, first_trial: int, last_trial: int) -> Iterator[np.ndarray]:
        """For each step in turn, currents of shape (last_trial - first_trial, size)."""
        streams = [
            generator(self.seed, "noise", self.index, trial)
            for trial in range(first_trial, last_trial)
        ]
        while True:
            drawn = np.stack([stream.standard_normal(self.mean.size) for stream in streams])
            value = self.mean + self.sd * drawn
            for _ in range(self.interval_steps):
                yield value


@dataclass(frozen=True)
class Lowered:
    """Everything a backend needs, on the grid."""

    dt_ms: float
    n_steps: int
    n_trials: int
    neurons: dict[str, LoweredNeurons]
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

        Arrays of shape (last_trial - first_trial or 1, size or 1), as the model's equation takes
        it: mV of R I for leaky integrate-and-fire neurons, mV/ms for the others.
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
    """A run that was interrupted, with what it had found: steps reached in each trial.

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


def lower(
    network: SpikingNetwork,
    stimulus: Stimulus,
    duration_ms: float,
    dt_ms: float,
    seed: int,
    record_potential: tuple[str, ...],
) -> Lowered:
    """Draw what is random and move everything onto the grid.

    Raises
    ------
    SpikelearnError
        Where the network, the stimulus and the grid do not fit together.
    """
    if not dt_ms > 0 or not np.isfinite(dt_ms):
        raise SpikelearnError(f"dt_ms must be greater than 0, found {dt_ms:g}")
    n_steps = _in_steps(duration_ms, dt_ms, "duration_ms")
    if n_steps < 1:
        raise SpikelearnError(f"duration_ms must be at least dt_ms, found {duration_ms:g}")
    for name in record_potential:
        if name not in network.neurons:
            raise SpikelearnError(
                f"cannot record the potential of '{name}'; neurons are {', '.join(network.neurons)}"
            )
    onto = _synapses_onto(network)
    neurons = {
        name: lower_neurons(
            name,
            population,
            onto[name],
            dt_ms,
            _in_steps(population.refractory_ms, dt_ms, f"population '{name}': refractory_ms"),
            seed,
        )
        for name, population in network.neurons.items()
    }
    return Lowered(
        dt_ms=dt_ms,
        n_steps=n_steps,
        n_trials=stimulus.n_trials,
        neurons=neurons,
        sources=_lower_sources(network, stimulus, n_steps, dt_ms),
        synapses=tuple(
            synapses
            for index, projection in enumerate(network.projections)
            for synapses in _lower_projection(
                index, projection, network, neurons[projection.target], onto, dt_ms, seed
            )
        ),
        background=tuple(
            _lower_background(index, item, network, onto, n_steps, dt_ms, seed)
            for index, item in enumerate(network.background)
        ),
        noise=tuple(
            _lower_noise(index, item, network, dt_ms, seed)
            for index, item in enumerate(network.noise)
        ),
        currents=_lower_currents(network, stimulus, n_steps),
        record=network.recorded,
        record_potential=record_potential,
    )


def _synapses_onto(network: SpikingNetwork) -> dict[str, list[Synapse]]:
    """The synapses that end on each population, whose channels they share where they are alike."""
    found: dict[str, list[Synapse]] = {name: [] for name in network.neurons}
    for item in (*network.projections, *network.background):
        found[item.target].append(item.synapse)
    return found


def diverged(population: str, dt_ms: float, first_ms: float, last_ms: float) -> SpikelearnError:
    """What to say where a potential is no longer a number."""
    return SpikelearnError(
        f"the potential of '{population}' grew beyond all bounds between {first_ms:g} and"
        f" {last_ms:g} ms; use a dt_ms below {dt_ms:g}, or weaker input"
    )


def _in_steps(time_ms: float, dt_ms: float, what: str) -> int:
    if not np.isfinite(time_ms):
        raise SpikelearnError(f"{what} must be finite, found {time_ms:g} ms")
    steps = round(time_ms / dt_ms)
    if abs(steps * dt_ms - time_ms) > 1e-9 * max(1.0, abs(time_ms)):
        raise SpikelearnError(
            f"{what} must be a multiple of the time step {dt_ms:g} ms, found {time_ms:g} ms"
        )
    return steps


def _lower_projection(
    index: int,
    projection: Projection,
    network: SpikingNetwork,
    target: LoweredNeurons,
    onto: dict[str, list[Synapse]],
    dt_ms: float,
    seed: int,
) -> list[Synapses]:
    from_source = isinstance(network.populations[projection.source], SpikeSource)
    least = 0 if from_source else 1
    delay: int | None = None
    if projection.delay_ms is None:
        delay = least
    elif isinstance(projection.delay_ms, float):
        delay = _in_steps(projection.delay_ms, dt_ms, f"projection {projection.name}: delay_ms")
        if delay < least:
            raise SpikelearnError(
                f"projection {projection.name}: the delay from neurons must be at least one time"
                f" step ({dt_ms:g} ms), found {projection.delay_ms:g} ms"
            )
    drawn = network.connections(projection, generator(seed, "connections", index))
    if projection.unit == "ns" and drawn.weight.min(initial=0.0) < 0:
        raise SpikelearnError(
            f"projection {projection.name}: a conductance is not negative, found a weight of"
            f" {drawn.weight.min():g} nS; what inhibits is its reversal potential"
        )
    gain = _gain(projection, network)
    plasticity = None
    if projection.plasticity is not None:
        every = projection.plasticity.normalise_every_ms
        what = f"projection {projection.name}: normalise_every_ms"
        plasticity = lower_plasticity(
            projection.plasticity,
            dt_ms,
            None if every is None else _in_steps(every, dt_ms, what),
            np.broadcast_to(network.neurons[projection.target].rest_mv, (target.size,)),
            target.v_rest,
            target.v_init,
        )
        drawn = _within_bounds(drawn, plasticity, projection.name)
    elif np.ndim(gain) or gain != 1.0:
        scale = gain[drawn.post] if np.ndim(gain) else gain
        drawn = dataclasses.replace(drawn, weight=drawn.weight * scale)
    common: dict[str, Any] = {
        "name": projection.name,
        "source": projection.source,
        "target": projection.target,
        "channel": channel_of(projection.synapse, onto[projection.target]),
        "plasticity": plasticity,
        "gain": None if plasticity is None else np.broadcast_to(gain, (target.size,)).astype(float),
    }
    if delay is not None:
        return [Synapses(**common, connections=drawn, delay_steps=delay)]
    distribution: Any = projection.delay_ms  # checked: nothing else is left
    delays = distribution.draw(drawn.pre.size, generator(seed, "delays", index))
    steps = np.maximum(np.rint(delays / dt_ms), least).astype(np.int64)
    return [
        Synapses(**common, connections=part, delay_steps=int(step))
        for step, part in _by_delay(drawn, steps)
    ]


def _within_bounds(drawn: Connections, rule: LoweredPlasticity, name: str) -> Connections:
    """The synapses as plasticity takes them up: within its bounds, and normalised if it does so."""
    low, high = drawn.weight.min(initial=rule.w_min), drawn.weight.max(initial=rule.w_max)
    if low < rule.w_min or high > rule.w_max:
        raise SpikelearnError(
            f"projection {name}: weights of plastic synapses start within w_min ... w_max"
            f" ({rule.w_min:g} ... {rule.w_max:g}), found {low:g} ... {high:g}"
        )
    if rule.normalise_sum is None:
        return drawn
    if drawn.full:  # the same sums, in a fraction of the time
        sums = drawn.weight.reshape(drawn.n_source, drawn.n_target).sum(0)
    else:
        sums = np.bincount(drawn.post, drawn.weight, minlength=drawn.n_target)
    scale = np.divide(rule.normalise_sum, sums, out=np.ones_like(sums), where=sums > 0)
    scaled = drawn.weight * (np.tile(scale, drawn.n_source) if drawn.full else scale[drawn.post])
    np.clip(scaled, rule.w_min, rule.w_max, out=scaled)
    return dataclasses.replace(drawn, weight=scaled)


def _gain(item: Projection | BackgroundInput, network: SpikingNetwork) -> Any:
    """What a weight of 1 adds to the channel or the potential: a number, or one for each target."""
    if isinstance(item.synapse, DeltaSynapse):
        return 1.0
    return jump_of(item.synapse) * network.neurons[item.target].gains()[item.unit]


def _by_delay(drawn: Connections, steps: np.ndarray) -> Iterator[tuple[int, Connections]]:
    """The synapses of each delay, in the order in which they were drawn."""
    # NumPy sorts short integers by their digits, in a fraction of the time.
    short = steps.astype(np.uint16) if steps.max(initial=0) < 2**16 else steps
    order = np.argsort(short, kind="stable")
    values, starts = np.unique(short[order], return_index=True)
    for value, mine in zip(values, np.split(order, starts)[1:], strict=True):
        yield (
            int(value),
            Connections(
                drawn.pre[mine],
                drawn.post[mine],
                drawn.weight[mine],
                drawn.n_source,
                drawn.n_target,
            ),
        )


def _lower_background(
    index: int,
    item: BackgroundInput,
    network: SpikingNetwork,
    onto: dict[str, list[Synapse]],
    n_steps: int,
    dt_ms: float,
    seed: int,
) -> Background:
    what = f"background input of '{item.target}'"
    target = network.neurons[item.target]
    stop = n_steps if item.stop_ms is None else _in_steps(item.stop_ms, dt_ms, f"{what}: stop_ms")
    return Background(
        target=item.target,
        channel=channel_of(item.synapse, onto[item.target]),
        weight=np.broadcast_to(item.weight * _gain(item, network), (target.size,)).copy(),
        mean_count=item.rate_hz * dt_ms / 1000.0,
        size=target.size,
        seed=seed,
        index=index,
        start_step=_in_steps(item.start_ms, dt_ms, f"{what}: start_ms"),
        stop_step=stop,
    )


def _lower_noise(
    index: int, item: NoiseInput, network: SpikingNetwork, dt_ms: float, seed: int
) -> Noise:
    target = network.neurons[item.target]
    gain = target.gains()[item.unit]
    interval = _in_steps(item.interval_ms, dt_ms, f"noise of '{item.target}': interval_ms")
    if interval < 1:
        raise SpikelearnError(
            f"noise of '{item.target}': interval_ms must be at least the time step {dt_ms:g} ms,"
            f" found {item.interval_ms:g} ms"
        )

    def each(value: Any) -> np.ndarray:
        return np.broadcast_to(value * np.asarray(gain), (target.size,)).copy()

    return Noise(item.target, each(item.mean), each(item.sd), interval, seed, index)


def _lower_sources(
    network: SpikingNetwork, stimulus: Stimulus, n_steps: int, dt_ms: float
) -> dict[str, InputSpikes]:
    for name in stimulus.spikes:
        if name not in network.sources:
            known = ", ".join(network.sources) or "none"
            raise SpikelearnError(
                f"the stimulus has spikes for '{name}', which is no spike source of network"
                f" '{network.name}'; its sources are: {known}"
            )
    lowered = {}
    for name, size in network.sources.items():
        spikes = stimulus.spikes.get(name)
        if spikes is None:
            raise SpikelearnError(
                f"network '{network.name}' has a spike source '{name}', for which the stimulus"
                " gives no spikes"
            )
        if spikes.size != size:
            raise SpikelearnError(
                f"the stimulus has {spikes.size} input neurons for '{name}', the network {size}"
            )
        steps = np.rint(spikes.times_ms / dt_ms).astype(np.int64)
        if steps.size and (steps.min() < 0 or steps.max() >= n_steps):
            raise SpikelearnError(
                f"input spikes of '{name}' must lie in 0 to {(n_steps - 1) * dt_ms:g} ms, found"
                f" {spikes.times_ms.min():g} to {spikes.times_ms.max():g} ms"
            )
        order = _by_step(steps, spikes.trials, spikes.senders, stimulus.n_trials, size)
        grid = InputSpikes(size, steps[order], spikes.trials[order], spikes.senders[order])
        twice = (
            (np.diff(grid.steps) == 0) & (np.diff(grid.trials) == 0) & (np.diff(grid.senders) == 0)
        )
        if twice.any():
            at = int(np.flatnonzero(twice)[0])
            raise SpikelearnError(
                f"source neuron {grid.senders[at]} of '{name}' has two spikes within one step of"
                f" {dt_ms:g} ms, at {grid.steps[at] * dt_ms:g} ms; use a smaller dt_ms"
            )
        lowered[name] = grid
    return lowered


def _by_step(
    steps: np.ndarray, trials: np.ndarray, senders: np.ndarray, n_trials: int, size: int
) -> np.ndarray:
    """The order by step, then trial, then sender."""
    highest = (int(steps.max(initial=0)) + 1) * n_trials * size
    if highest >= 2**63:
        return np.lexsort((senders, trials, steps))
    # One number for all three: spikes mostly are in order, or nearly, and then are sorted at once.
    return np.argsort((steps * n_trials + trials) * size + senders, kind="stable")


def _lower_currents(
    network: SpikingNetwork, stimulus: Stimulus, n_steps: int
) -> dict[str, np.ndarray]:
    lowered: dict[str, np.ndarray] = {}
    for unit, currents in stimulus.currents.items():
        for name, current in currents.items():
            if name not in network.neurons:
                raise SpikelearnError(
                    f"the stimulus has a current into '{name}', which is no population of neurons"
                    f" of network '{network.name}'"
                )
            population = network.neurons[name]
            gains = {u: gain for u, gain in population.gains().items() if u != "ns"}
            if unit not in gains:
                raise SpikelearnError(
                    f"the current into '{name}' is in {UNITS[unit]}, but neurons of model"
                    f" {population.model} take {' or '.join(UNITS[u] for u in gains)}"
                    + (" (pA where leak_ns is set)" if isinstance(population, LIF) else "")
                )
            _check_current(name, current, stimulus.n_trials, n_steps, population.size)
            array = np.asarray(current, dtype=np.float64)
            if np.ndim(gains[unit]) or gains[unit] != 1.0:
                array = array * gains[unit]
            lowered[name] = lowered[name] + array if name in lowered else array
    return lowered


def _check_current(name: str, current: np.ndarray, n_trials: int, n_steps: int, size: int) -> None:
    allowed = ((1, n_trials), (n_steps,), (1, size))
    for axis, (found, possible) in enumerate(zip(current.shape, allowed, strict=True)):
        if found not in possible:
            raise SpikelearnError(
                f"the current into '{name}' must have"
                f" {' or '.join(str(p) for p in sorted(set(possible)))} entries along"
                f" {('trials', 'steps', 'neurons')[axis]}, found {found}"
            )
