"""From a description to arrays on the time grid: the part of a simulation all backends share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.networks.connectivity import Connections, NormalWeights, UniformWeights
from spikelearn.networks.plasticity import PairSTDP
from spikelearn.networks.spiking import (
    LIF,
    AdaptiveLIF,
    BackgroundInput,
    ExponentialSynapse,
    Projection,
    SpikeSource,
    SpikingNetwork,
)
from spikelearn.simulation._poisson import PoissonSampler
from spikelearn.stimuli.stimulus import Stimulus

_BACKGROUND_BLOCK = 64  # steps drawn at once


@dataclass(frozen=True)
class Neurons:
    """A population of neurons; potentials in mV from rest, arrays of shape (size,)."""

    name: str
    size: int
    beta: np.ndarray
    v_rest: np.ndarray
    threshold: np.ndarray
    reset: np.ndarray
    v_init: np.ndarray
    subtract: bool
    refractory_steps: int
    # Adaptive threshold: decay factor a step, increment, initial offset; None where it has none.
    theta_decay: np.ndarray | None = None
    theta_increment: np.ndarray | None = None
    theta_init: np.ndarray | None = None
    # Time constants (ms) of its exponential synapses, with alpha and kappa (see the package).
    taus: tuple[float, ...] = ()
    alphas: tuple[float, ...] = ()
    kappas: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Synapses:
    """A projection with its drawn connections; `channel` is the index of its time constant."""

    name: str
    source: str
    target: str
    connections: Connections
    delay_steps: int
    channel: int | None
    plasticity: PairSTDP | None


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
    weight: float
    mean_count: float
    size: int
    seed: int
    index: int

    def counts(self, first_trial: int, last_trial: int) -> Iterator[np.ndarray]:
        """For each step in turn, counts of shape (last_trial - first_trial, size)."""
        streams = [
            generator(self.seed, "background", self.index, trial)
            for trial in range(first_trial, last_trial)
        ]
        sampler = PoissonSampler(self.mean_count)
        while True:
            block = np.stack(
                [sampler.draw((_BACKGROUND_BLOCK, self.size), s) for s in streams], axis=1
            )
            yield from block


@dataclass(frozen=True)
class Lowered:
    """Everything a backend needs, on the grid."""

    dt_ms: float
    n_steps: int
    n_trials: int
    neurons: dict[str, Neurons]
    sources: dict[str, InputSpikes]
    synapses: tuple[Synapses, ...]
    background: tuple[Background, ...]
    currents: dict[str, np.ndarray] = field(default_factory=dict)
    record: tuple[str, ...] = ()
    record_potential: tuple[str, ...] = ()

    @property
    def plastic(self) -> bool:
        """Whether any projection is plastic."""
        return any(s.plasticity is not None for s in self.synapses)


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
    neurons = {
        name: _lower_neurons(name, population, network, dt_ms, seed)
        for name, population in network.neurons.items()
    }
    return Lowered(
        dt_ms=dt_ms,
        n_steps=n_steps,
        n_trials=stimulus.n_trials,
        neurons=neurons,
        sources=_lower_sources(network, stimulus, n_steps, dt_ms),
        synapses=tuple(
            _lower_projection(index, projection, network, neurons, dt_ms, seed)
            for index, projection in enumerate(network.projections)
        ),
        background=tuple(
            _lower_background(index, item, network, dt_ms, seed)
            for index, item in enumerate(network.background)
        ),
        currents=_lower_currents(network, stimulus, n_steps),
        record=network.recorded,
        record_potential=record_potential,
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


def _lower_neurons(
    name: str, population: LIF, network: SpikingNetwork, dt_ms: float, seed: int
) -> Neurons:
    def each(value: object) -> np.ndarray:
        return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), (population.size,)))

    tau_m, rest = each(population.tau_m_ms), each(population.v_rest_mv)
    beta = np.exp(-dt_ms / tau_m)
    taus = tuple(
        dict.fromkeys(
            p.synapse.tau_ms
            for p in network.projections
            if p.target == name and isinstance(p.synapse, ExponentialSynapse)
        )
    )
    adaptive = population if isinstance(population, AdaptiveLIF) else None
    start = population.init_mv
    if isinstance(start, UniformWeights | NormalWeights):
        start = start.draw(population.size, generator(seed, "initial potential", name))
    return Neurons(
        name=name,
        size=population.size,
        beta=beta,
        v_rest=rest,
        threshold=each(population.v_threshold_mv) - rest,
        reset=each(population.reset_mv) - rest,
        v_init=each(start) - rest,
        subtract=population.reset == "subtract",
        refractory_steps=_in_steps(
            population.refractory_ms, dt_ms, f"population '{name}': refractory_ms"
        ),
        theta_decay=np.exp(-dt_ms / each(adaptive.tau_threshold_ms)) if adaptive else None,
        theta_increment=each(adaptive.threshold_increment_mv) if adaptive else None,
        theta_init=each(adaptive.threshold_offset_mv) if adaptive else None,
        taus=taus,
        alphas=tuple(float(np.exp(-dt_ms / tau)) for tau in taus),
        kappas=tuple(_kappa(tau, tau_m, dt_ms) for tau in taus),
    )


def _kappa(tau_syn: float, tau_m: np.ndarray, dt_ms: float) -> np.ndarray:
    """Gain from the current at the start of a step to the potential at its end.

    (1 / tau_m) * integral of exp(-(dt - s) / tau_m) exp(-s / tau_syn) ds, written so that nearly
    equal time constants lose no digits: dt / tau_m * beta * (e^x - 1) / x.
    """
    x = dt_ms * (1.0 / tau_m - 1.0 / tau_syn)
    safe = np.where(np.abs(x) < 1e-12, 1.0, x)
    growth = np.where(np.abs(x) < 1e-12, 1.0, np.expm1(safe) / safe)
    return dt_ms / tau_m * np.exp(-dt_ms / tau_m) * growth


def _lower_projection(
    index: int,
    projection: Projection,
    network: SpikingNetwork,
    neurons: dict[str, Neurons],
    dt_ms: float,
    seed: int,
) -> Synapses:
    from_source = isinstance(network.populations[projection.source], SpikeSource)
    least = 0 if from_source else 1
    if projection.delay_ms is None:
        delay = least
    else:
        delay = _in_steps(projection.delay_ms, dt_ms, f"projection {projection.name}: delay_ms")
    if delay < least:
        raise SpikelearnError(
            f"projection {projection.name}: the delay from neurons must be at least one time step"
            f" ({dt_ms:g} ms), found {projection.delay_ms:g} ms"
        )
    synapse = projection.synapse
    channel = (
        neurons[projection.target].taus.index(synapse.tau_ms)
        if isinstance(synapse, ExponentialSynapse)
        else None
    )
    stream = generator(seed, "connections", index)
    return Synapses(
        name=projection.name,
        source=projection.source,
        target=projection.target,
        connections=network.connections(projection, stream),
        delay_steps=delay,
        channel=channel,
        plasticity=projection.plasticity,
    )


def _lower_background(
    index: int, item: BackgroundInput, network: SpikingNetwork, dt_ms: float, seed: int
) -> Background:
    return Background(
        target=item.target,
        weight=item.weight_mv,
        mean_count=item.rate_hz * dt_ms / 1000.0,
        size=network.populations[item.target].size,
        seed=seed,
        index=index,
    )


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
        order = np.lexsort((spikes.senders, spikes.trials, steps))
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


def _lower_currents(
    network: SpikingNetwork, stimulus: Stimulus, n_steps: int
) -> dict[str, np.ndarray]:
    for name, current in stimulus.currents_mv.items():
        if name not in network.neurons:
            raise SpikelearnError(
                f"the stimulus has a current into '{name}', which is no population of neurons of"
                f" network '{network.name}'"
            )
        size = network.neurons[name].size
        allowed = ((1, stimulus.n_trials), (n_steps,), (1, size))
        for axis, (found, possible) in enumerate(zip(current.shape, allowed, strict=True)):
            if found not in possible:
                raise SpikelearnError(
                    f"the current into '{name}' must have"
                    f" {' or '.join(str(p) for p in sorted(set(possible)))} entries along"
                    f" {('trials', 'steps', 'neurons')[axis]}, found {found}"
                )
    return {name: np.asarray(c, dtype=np.float64) for name, c in stimulus.currents_mv.items()}
