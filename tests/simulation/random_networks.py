"""Small random networks that use every feature of a description, and what drives them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from reference_simulator import Outcome, simulate_reference

from spikelearn._seeding import generator
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.connectivity import FixedInDegree, FixedProbability
from spikelearn.networks.spiking import (
    LIF,
    AdaptiveLIF,
    BackgroundInput,
    ExponentialSynapse,
    Projection,
    SpikeSource,
    SpikingNetwork,
)
from spikelearn.simulation import simulate
from spikelearn.simulation.lowering import lower
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus


@dataclass(frozen=True)
class Features:
    """What a random network is made of; its numbers follow from `seed`."""

    seed: int
    dt_ms: float = 0.5
    n_steps: int = 60
    n_trials: int = 2
    sizes: tuple[int, ...] = (3, 2)
    adaptive: bool = False
    subtract: bool = False
    refractory_steps: int = 0
    rest_mv: float = -70.0
    per_neuron: bool = False
    # (source, target, tau of the synapse or None for delta, delay in steps or None, connectivity)
    projections: tuple[tuple[str, str, float | None, int | None, str], ...] = ()
    current: str | None = None  # "shared", "by_trial" or "by_neuron"
    background: bool = False


@dataclass(frozen=True)
class Case:
    """A network with what it is shown, and how long."""

    network: SpikingNetwork
    stimulus: Stimulus
    dt_ms: float
    n_steps: int
    seed: int

    def run(self, backend: str) -> Activity:
        """The package's answer."""
        return simulate(
            self.network,
            self.stimulus,
            duration_ms=self.n_steps * self.dt_ms,
            dt_ms=self.dt_ms,
            backend=backend,
            seed=self.seed,
            record=tuple(self.network.neurons),
        )

    def reference(self) -> Outcome:
        """The answer of the loops."""
        drawn = [
            self.network.connections(projection, generator(self.seed, "connections", index))
            for index, projection in enumerate(self.network.projections)
        ]
        # The counts are part of the input, drawn outside the backends: taken as they are.
        lowered = lower(
            self.network, self.stimulus, self.n_steps * self.dt_ms, self.dt_ms, self.seed, ()
        )
        counts = [
            np.stack(
                list(itertools.islice(item.counts(0, self.stimulus.n_trials), self.n_steps)), axis=1
            )
            for item in lowered.background
        ]
        return simulate_reference(
            self.network,
            self.stimulus,
            n_steps=self.n_steps,
            dt_ms=self.dt_ms,
            connections=[list(zip(c.pre, c.post, c.weight_mv, strict=True)) for c in drawn],
            background=counts,
        )


def make_case(features: Features) -> Case:
    """The network that `features` describes."""
    rng = np.random.default_rng(features.seed)
    dt = features.dt_ms
    names = [f"n{i}" for i in range(len(features.sizes))]
    populations: dict[str, SpikeSource | LIF] = {"in": SpikeSource(model="spike_source", size=4)}
    for name, size in zip(names, features.sizes, strict=True):
        populations[name] = _population(features, size, rng)
    projections = tuple(
        Projection(
            source=source,
            target=target,
            connectivity=_connectivity(kind, populations[source].size),
            weight_mv=_weight(kind, tau, populations[source].size, populations[target].size, rng),
            delay_ms=None if delay is None else delay * dt,
            synapse={"model": "delta"}
            if tau is None
            else ExponentialSynapse(model="exponential", tau_ms=tau),
        )
        for source, target, tau, delay, kind in features.projections
    )
    background = (
        (BackgroundInput(target=names[0], rate_hz=300.0, weight_mv=float(rng.uniform(2, 5))),)
        if features.background
        else ()
    )
    network = SpikingNetwork(
        name="random",
        populations=populations,
        projections=projections,
        background=background,
        record=tuple(populations),
    )
    return Case(
        network, _stimulus(features, names, rng), dt, features.n_steps, features.seed % 1000
    )


def _population(features: Features, size: int, rng: np.random.Generator) -> LIF:
    shape = size if features.per_neuron else None

    def draw(low: float, high: float) -> float | np.ndarray:
        values = rng.uniform(low, high, shape)
        return float(values) if shape is None else values

    rest = features.rest_mv
    common = {
        "size": size,
        "tau_m_ms": draw(5.0, 25.0) if features.per_neuron else 10.0,
        "v_rest_mv": rest,
        "v_threshold_mv": rest + draw(8.0, 12.0),
        "v_reset_mv": rest + draw(-4.0, 4.0),
        "v_init_mv": rest + draw(-5.0, 5.0),
        "refractory_ms": features.refractory_steps * features.dt_ms,
        "reset": "subtract" if features.subtract else "to_value",
    }
    if not features.adaptive:
        return LIF(**common)
    return AdaptiveLIF(
        **common,
        model="adaptive_lif",
        threshold_increment_mv=draw(0.5, 3.0),
        tau_threshold_ms=draw(10.0, 50.0),
        threshold_offset_mv=draw(-1.0, 1.0),
    )


def _connectivity(kind: str, n_source: int) -> object:
    return {
        "matrix": {"kind": "all_to_all"},
        "uniform": {"kind": "all_to_all"},
        "not_self": {"kind": "all_to_all", "allow_self": False},
        "sparse": FixedProbability(kind="fixed_probability", probability=0.5),
        "in_degree": FixedInDegree(kind="fixed_in_degree", in_degree=min(2, n_source)),
    }[kind]


def _weight(
    kind: str, tau: float | None, n_source: int, n_target: int, rng: np.random.Generator
) -> object:
    # An exponential synapse moves the potential by w tau_s / tau_m spread over time.
    scale = 1.0 if tau is None else 4.0
    if kind == "matrix":
        return scale * rng.normal(1.5, 4.0, (n_source, n_target))
    if kind == "in_degree":
        return scale * float(rng.uniform(1.0, 4.0))
    if kind == "sparse":
        return {"distribution": "normal", "mean": scale * 1.5, "sd": scale * 3.0}
    return {"distribution": "uniform", "low": -scale * 3.0, "high": scale * 7.0}


def _stimulus(features: Features, names: Sequence[str], rng: np.random.Generator) -> Stimulus:
    n_trials, n_steps = features.n_trials, features.n_steps
    fired = rng.random((n_trials, n_steps, 4)) < 0.15
    trials, steps, senders = np.nonzero(fired)
    # Off the grid by up to 0.4 steps: input spikes are moved to the nearest grid point.
    times = (steps + np.where(steps > 0, rng.uniform(-0.4, 0.4, steps.size), 0.2)) * features.dt_ms
    currents = {}
    if features.current is not None:
        shape = {
            "shared": (1, n_steps, 1),
            "by_trial": (n_trials, n_steps, 1),
            "by_neuron": (n_trials, n_steps, features.sizes[0]),
        }[features.current]
        currents[names[0]] = rng.uniform(-5.0, 25.0, shape)
    return Stimulus(
        labels=tuple(f"trial {i}" for i in range(n_trials)),
        spikes={"in": PopulationSpikes.from_unsorted(4, times, senders, trials)},
        currents_mv=currents,
    )


@st.composite
def features(draw: st.DrawFn) -> Features:
    """Any combination of features, with at least one projection from the input."""
    sizes = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)))
    names = [f"n{i}" for i in range(len(sizes))]
    taus = st.sampled_from([None, 2.0, 7.0, 10.0])  # 10 ms is also the membrane's: equal constants
    kinds = st.sampled_from(["matrix", "uniform", "not_self", "sparse", "in_degree"])
    from_input = st.tuples(
        st.just("in"), st.sampled_from(names), taus, st.none() | st.integers(0, 6), kinds
    )
    recurrent = st.tuples(
        st.sampled_from(names), st.sampled_from(names), taus, st.none() | st.integers(1, 6), kinds
    )
    return Features(
        seed=draw(st.integers(0, 2**32 - 1)),
        dt_ms=draw(st.sampled_from([0.1, 0.25, 0.5, 1.0])),
        n_steps=draw(st.integers(1, 60)),
        n_trials=draw(st.integers(1, 3)),
        sizes=sizes,
        adaptive=draw(st.booleans()),
        subtract=draw(st.booleans()),
        refractory_steps=draw(st.integers(0, 5)),
        rest_mv=draw(st.sampled_from([0.0, -70.0])),
        per_neuron=draw(st.booleans()),
        projections=(
            draw(from_input),
            *draw(st.lists(from_input, max_size=1)),
            *draw(st.lists(recurrent, max_size=3)),
        ),
        current=draw(st.sampled_from([None, "shared", "by_trial", "by_neuron"])),
        background=draw(st.booleans()),
    )
