"""Small random networks that use every feature of a description, and what drives them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from random_neurons import CURRENTS, random_neurons
from reference_simulator import Outcome, simulate_reference

from spikelearn._seeding import generator
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.connectivity import FixedInDegree, FixedProbability
from spikelearn.networks.fields import AnyDistribution, Uniform
from spikelearn.networks.neurons import NEURON_MODELS, NeuronModel, SpikeSource
from spikelearn.networks.spiking import (
    BackgroundInput,
    NoiseInput,
    Projection,
    SpikingNetwork,
)
from spikelearn.networks.synapses import AlphaSynapse, DeltaSynapse, ExponentialSynapse, Synapse
from spikelearn.simulation import simulate
from spikelearn.simulation.grid.network import GridNetwork, to_grid
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus


@dataclass(frozen=True)
class Through:
    """A synapse with a time constant; `pull`, of a conductance, is from rest to its reversal."""

    tau_ms: float
    shape: str = "exponential"
    pull_mv: float | None = None


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
    # (source, target, tau of a current, another synapse, or None for delta; delay in steps, None,
    # or "spread"; connectivity)
    projections: tuple[tuple[str, str, float | Through | None, int | str | None, str], ...] = ()
    current: str | None = None  # "shared", "by_trial" or "by_neuron"
    background: bool = False
    model: str = "lif"
    noise: bool = False
    background_through: Through | None = None
    several: bool = False  # spikes of an input in a step

    @property
    def conducting(self) -> bool:
        """Whether a synapse of a projection is a conductance."""
        through = [p[2] for p in self.projections]
        return any(isinstance(t, Through) and t.pull_mv is not None for t in through)


@dataclass(frozen=True)
class Case:
    """A network with what it is shown, and how long."""

    network: SpikingNetwork
    stimulus: Stimulus
    dt_ms: float
    n_steps: int
    seed: int

    def run(self, backend: str, precision: str = "float64") -> Activity:
        """The package's answer."""
        return simulate(
            self.network,
            self.stimulus,
            duration_ms=self.n_steps * self.dt_ms,
            dt_ms=self.dt_ms,
            backend=backend,
            seed=self.seed,
            record=tuple(self.network.neurons),
            precision=precision,
        )

    def grid(self) -> GridNetwork:
        """The same on the grid."""
        return to_grid(
            self.network, self.stimulus, self.n_steps * self.dt_ms, self.dt_ms, self.seed, ()
        )

    def reference(self) -> Outcome:
        """The answer of the loops."""
        drawn = [
            self._synapses(index, projection)
            for index, projection in enumerate(self.network.projections)
        ]
        # The counts are part of the input, drawn outside the backends: taken as they are.
        grid = self.grid()
        counts = [
            np.stack(
                list(itertools.islice(item.counts(0, self.stimulus.n_trials), self.n_steps)), axis=1
            )
            for item in grid.background
        ]
        return simulate_reference(
            self.network,
            self.stimulus,
            n_steps=self.n_steps,
            dt_ms=self.dt_ms,
            connections=drawn,
            background=counts,
            noise=[self._noise(index, item) for index, item in enumerate(self.network.noise)],
        )

    def _synapses(self, index: int, projection: Projection) -> list[tuple[object, ...]]:
        """(pre, post, weight), and the delay in steps where it is drawn."""
        c = self.network.connections(projection, generator(self.seed, "connections", index))
        if not isinstance(projection.delay_ms, AnyDistribution):
            return list(zip(c.pre, c.post, c.weight, strict=True))
        drawn = projection.delay_ms.draw(c.pre.size, generator(self.seed, "delays", index))
        least = 0 if projection.source in self.network.sources else 1
        steps = [max(least, round(delay / self.dt_ms)) for delay in drawn]
        return list(zip(c.pre, c.post, c.weight, steps, strict=True))

    def _noise(self, index: int, item: NoiseInput) -> np.ndarray:
        """What is drawn, step by step, in the unit of the noise."""
        size = self.network.populations[item.target].size
        every = round(item.interval_ms / self.dt_ms)
        found = np.zeros((self.stimulus.n_trials, self.n_steps, size))
        for trial in range(self.stimulus.n_trials):
            stream = generator(self.seed, "noise", index, trial)
            for step in range(0, self.n_steps, every):
                drawn = item.mean + item.sd * stream.standard_normal(size)
                found[trial, step : step + every] = drawn
        return found


def make_case(features: Features) -> Case:
    """The network that `features` describes."""
    rng = np.random.default_rng(features.seed)
    dt = features.dt_ms
    names = [f"n{i}" for i in range(len(features.sizes))]
    populations: dict[str, SpikeSource | NeuronModel] = {
        "in": SpikeSource(model="spike_source", size=4)
    }
    for name, size in zip(names, features.sizes, strict=True):
        populations[name] = random_neurons(features, size, rng)
    unit, scale = CURRENTS[features.model]
    projections = tuple(
        Projection(
            source=source,
            target=target,
            connectivity=_connectivity(kind, source, target, populations),
            delay_ms=_delay(delay, dt),
            synapse=_synapse(through, features.rest_mv),
            **_weight(
                kind,
                through,
                unit,
                scale,
                features.model == "hodgkin_huxley",
                populations[source].size,
                populations[target].size,
                rng,
            ),
        )
        for source, target, through, delay, kind in features.projections
    )
    background, noise = (), ()
    if features.background:
        through = features.background_through
        conducting = through is not None and through.pull_mv is not None
        of = "mv" if through is None else "ns" if conducting else unit
        mean = 1.0 if through is None else 0.3 if conducting else scale / 8
        background = (
            BackgroundInput(
                target=names[0],
                rate_hz=300.0,
                synapse=_synapse(through, features.rest_mv),
                start_ms=2 * dt,
                stop_ms=None if features.seed % 2 else 30 * dt,
                **{f"weight_{of}": mean * float(rng.uniform(2, 5))},
            ),
        )
    if features.noise:
        noise = (
            NoiseInput(
                target=names[-1], unit=unit, mean=scale / 4, sd=scale / 4, interval_ms=3 * dt
            ),
        )
    network = SpikingNetwork(
        name="random",
        populations=populations,
        projections=projections,
        background=background,
        noise=noise,
        record=tuple(populations),
    )
    return Case(
        network, _stimulus(features, names, rng), dt, features.n_steps, features.seed % 1000
    )


def _delay(delay: int | str | None, dt: float) -> float | Uniform | None:
    if delay == "spread":
        return Uniform(distribution="uniform", low=0.0, high=6 * dt)
    return None if delay is None else int(delay) * dt


def _synapse(through: float | Through | None, rest: float) -> Synapse:
    if through is None:
        return DeltaSynapse()
    if isinstance(through, float):
        return ExponentialSynapse(model="exponential", tau_ms=through)
    pull = None if through.pull_mv is None else rest + through.pull_mv
    if through.shape == "alpha":
        return AlphaSynapse(model="alpha", tau_ms=through.tau_ms, reversal_mv=pull)
    return ExponentialSynapse(model="exponential", tau_ms=through.tau_ms, reversal_mv=pull)


def _connectivity(kind: str, source: str, target: str, populations: Mapping[str, Any]) -> object:
    n_source, n_target = (populations[end].size for end in (source, target))
    spared = {"allow_self": False} if source == target else {"allow_partner": n_source != n_target}
    return {
        "matrix": {"kind": "all_to_all"},
        "uniform": {"kind": "all_to_all"},
        "not_self": {"kind": "all_to_all", **spared},
        "sparse": FixedProbability(kind="fixed_probability", probability=0.5),
        "in_degree": FixedInDegree(kind="fixed_in_degree", in_degree=min(2, n_source)),
    }[kind]


def _weight(
    kind: str,
    through: float | Through | None,
    unit: str,
    scale: float,
    gently: bool,
    n_source: int,
    n_target: int,
    rng: np.random.Generator,
) -> dict[str, object]:
    """The weight, by the name of its field."""
    # Hodgkin and Huxley's gates have rates that no step is short enough for where v is pulled far
    # below rest; and their sodium channels close for good where input is strong.
    if isinstance(through, Through) and through.pull_mv is not None:
        high = 0.3 if gently else scale / 100 + 2.0
        return {"weight_ns": {"distribution": "uniform", "low": 0.0, "high": high}}
    # A current moves the potential by w tau_s / tau_m spread over time.
    times = 1.0 if through is None else 4.0 * scale / 25.0
    times *= (0.2 if through is None else 0.02) if gently else 1.0
    field = "weight_mv" if through is None else f"weight_{unit}"
    value: object = {"distribution": "uniform", "low": -times * 3.0, "high": times * 7.0}
    if kind == "matrix":
        value = times * rng.normal(1.5, 4.0, (n_source, n_target))
    elif kind == "in_degree":
        value = times * float(rng.uniform(1.0, 4.0))
    elif kind == "sparse":
        value = {"distribution": "normal", "mean": times * 1.5, "sd": times * 3.0}
    return {field: value}


def _stimulus(features: Features, names: Sequence[str], rng: np.random.Generator) -> Stimulus:
    n_trials, n_steps = features.n_trials, features.n_steps
    fired = rng.random((n_trials, n_steps, 4)) < 0.15
    trials, steps, senders = np.nonzero(fired)
    if features.several:
        trials, steps, senders = (
            np.concatenate([part, part[::3], part[::6]]) for part in (trials, steps, senders)
        )
    # Off the grid by up to 0.4 steps: input spikes are moved to the nearest grid point.
    times = (steps + np.where(steps > 0, rng.uniform(-0.4, 0.4, steps.size), 0.2)) * features.dt_ms
    currents = {}
    if features.current is not None:
        shape = {
            "shared": (1, n_steps, 1),
            "by_trial": (n_trials, n_steps, 1),
            "by_neuron": (n_trials, n_steps, features.sizes[0]),
        }[features.current]
        currents[names[0]] = rng.uniform(-0.2, 1.0, shape) * CURRENTS[features.model][1]
    return Stimulus(
        labels=tuple(f"trial {i}" for i in range(n_trials)),
        spikes={"in": PopulationSpikes.from_unsorted(4, times, senders, trials)},
        **{f"currents_{CURRENTS[features.model][0]}": currents},
    )


# Synapses of one kind; 10 ms is also the membrane's.
_ONE_KIND: list[list[Through | None]] = [
    [None],
    [Through(2.0), Through(7.0), Through(10.0)],
    [Through(10.0, "alpha"), Through(3.0, "alpha")],
]


@st.composite
def features(draw: st.DrawFn, everything: bool = False, few: bool = False) -> Features:
    """Any combination of features, with at least one projection from the input.

    Without `everything`, of what backends usually have; with `few`, without what one may lack of
    it, and synapses of one kind onto each population.
    """
    sizes = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)))
    names = [f"n{i}" for i in range(len(sizes))]
    model = draw(st.sampled_from(list(CURRENTS))) if everything else "lif"
    # 10 ms is also the membrane's: equal constants
    shapes = [None, 2.0, 7.0, 10.0, Through(10.0, "alpha"), Through(3.0, "alpha")]
    if everything and model != "izhikevich":  # which has no conductances
        shapes += [Through(5.0, pull_mv=70.0), Through(10.0, pull_mv=-10.0)]
        shapes += [Through(2.0, "alpha", 70.0)]
    kind_of = {name: draw(st.sampled_from(_ONE_KIND)) if few else shapes for name in names}
    kinds = st.sampled_from(["matrix", "uniform", "not_self", "sparse", "in_degree"])

    def onto(sources: list[str], least: int) -> st.SearchStrategy[Any]:
        delays = st.none() | st.just("spread") | st.integers(least, 6)
        return st.sampled_from(names).flatmap(
            lambda name: st.tuples(
                st.sampled_from(sources),
                st.just(name),
                st.sampled_from(kind_of[name]),
                delays,
                kinds,
            )
        )

    from_input, recurrent = onto(["in"], 0), onto(names, 1)
    steps = [0.05, 0.1] if model == "hodgkin_huxley" else [0.1, 0.25, 0.5, 1.0]
    if NEURON_MODELS[model].has_peak:
        steps = [0.1, 0.25, 1.0]
    return Features(
        seed=draw(st.integers(0, 2**32 - 1)),
        dt_ms=draw(st.sampled_from(steps)),
        n_steps=draw(st.integers(1, 60)) * (1 if model == "lif" else 5),
        n_trials=draw(st.integers(1, 3 if model == "lif" else 2)),
        sizes=sizes,
        adaptive=draw(st.booleans()) and not few,
        subtract=draw(st.booleans()) and not few,
        refractory_steps=draw(st.integers(0, 5)),
        rest_mv=draw(st.sampled_from([0.0, -70.0])) if model == "lif" else -70.0,
        several=draw(st.booleans()),
        per_neuron=draw(st.booleans()),
        projections=(
            draw(from_input),
            *draw(st.lists(from_input, max_size=1)),
            *draw(st.lists(recurrent, max_size=3)),
        ),
        current=draw(st.sampled_from([None, "shared", "by_trial", "by_neuron"])),
        background=draw(st.booleans()),
        model=model,
        noise=draw(st.booleans()),
        background_through=draw(
            st.sampled_from(
                kind_of[names[0]] if few else [None, Through(4.0), Through(4.0, "alpha")]
            )
        ),
    )
