"""Rules that act while a spiking network is simulated: audited on the simulation.

A small network in which everything but the plasticity is told: input spikes (6 neurons), a teacher
that makes each of 4 neurons fire when it says, and 3 neurons above. Interventions change spikes or
weights of it; what is read are the plastic weights at the end. In place of tags stand the variables
that the plasticity's equations read, taken from the equations that are handed to the simulator.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn._time_steps import nearest_steps
from spikelearn.networks.connectivity import OneToOne
from spikelearn.networks.plasticity import Plasticity
from spikelearn.networks.spiking import LIF, Projection, SpikeSource, SpikingNetwork
from spikelearn.plausibility.criterion import Criterion, Finding, absent
from spikelearn.plausibility.instruments.equation_variables import variables_read
from spikelearn.plausibility.instruments.intervention import MAGNITUDES, Probe
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

N_PRE, N_POST, N_UPPER = 6, 4, 3
DURATION_MS, DT_MS = 300.0, 0.5
# Rule -> shipped model in whose file its plasticity stands.
MODELS = {"stdp": "competitive_stdp", "homeostasis": None}
# Rules that only stand in descriptions of networks, with the constants of their papers.
PLASTICITIES: dict[str, dict[str, Any]] = {
    "triplet_stdp": {"rule": "triplet_stdp"},
    "diehl_cook_stdp": {"rule": "diehl_cook_stdp"},
    "inhibitory_stdp": {"rule": "inhibitory_stdp"},
    "clopath_stdp": {"rule": "clopath_stdp"},
    "dopamine_stdp": {
        "rule": "dopamine_stdp", "modulator": "reward", "reward": (0.5,), "a_plus": 0.01,
        "a_minus": 0.012,
    },
}  # fmt: skip


def _blocks(n: int, n_source: int, n_target: int) -> Any:
    """All-to-all connections within each of n copies."""
    first = np.repeat(np.arange(n), n_source * n_target)
    pre, post = np.divmod(np.tile(np.arange(n_source * n_target), n), n_target)
    return {"kind": "pairs", "pre": pre + first * n_source, "post": post + first * n_target}


class AuditedPlasticity:
    """A plasticity under audit.

    Parameters
    ----------
    name : str
    plasticity : description, or None
        As a projection takes it.
    seed : int
    claims : mapping

    Attributes
    ----------
    pre, post : list of arrays
        Spike times of each neuron at either end, in ms.
    weights : array of shape (presynaptic, postsynaptic)
        Of the plastic synapses at the start, in mV.
    upper : array of shape (postsynaptic, upper)
        Of the synapses onto the neurons above, in mV.
    """

    duration_ms = DURATION_MS

    def __init__(
        self, name: str, plasticity: Any, seed: int = 0, claims: dict[str, bool] | None = None
    ) -> None:
        self.name, self.plasticity, self.seed = name, plasticity, seed
        self.claims = claims or {}
        rng = generator(seed, "audit spikes")
        self.pre = [self.apart(rng.uniform(5, DURATION_MS - 20, 8)) for _ in range(N_PRE)]
        self.post = [self.apart(rng.uniform(5, DURATION_MS - 20, 8)) for _ in range(N_POST)]
        low, high = (getattr(plasticity, n, d) for n, d in (("w_min", 0.0), ("w_max", 1.0)))
        self.weights = low + (high - low) * rng.uniform(0.3, 0.7, (N_PRE, N_POST))
        self.upper = rng.normal(0, 1, (N_POST, N_UPPER))

    def network(self, weights: list[np.ndarray], upper: list[np.ndarray]) -> SpikingNetwork:
        """Copies of the network side by side, with these weights."""
        n = len(weights)
        modulator = getattr(self.plasticity, "modulator", None)
        rewards: dict[str, Any] = {}
        if modulator is not None:
            size = len(self.plasticity.reward)
            rewards[modulator] = SpikeSource(model="spike_source", size=size)
        return SpikingNetwork(
            name="audit",
            populations=rewards
            | {
                "pre": SpikeSource(model="spike_source", size=n * N_PRE),
                "teacher": SpikeSource(model="spike_source", size=n * N_POST),
                # At potentials that a rule which reads them knows; only the teacher excites it.
                "post": LIF(
                    size=n * N_POST, tau_m_ms=0.1, v_rest_mv=-70.6, v_threshold_mv=-30.0
                ),
                "up": LIF(size=n * N_UPPER, tau_m_ms=10.0, v_threshold_mv=0.5),
            },
            projections=(
                Projection(source="pre", target="post", connectivity=_blocks(n, N_PRE, N_POST),
                           weight_mv=np.concatenate([w.ravel() for w in weights]),
                           plasticity=self.plasticity),
                Projection(source="teacher", target="post", weight_mv=80.0,
                           connectivity=OneToOne(kind="one_to_one")),
                Projection(source="post", target="up", connectivity=_blocks(n, N_POST, N_UPPER),
                           weight_mv=np.concatenate([u.ravel() for u in upper])),
            ),
        )  # fmt: skip

    def finals(
        self, variants: list[dict[str, Any]], duration_ms: float = DURATION_MS
    ) -> np.ndarray:
        """Plastic weights at the end, in mV, (variants, presynaptic, postsynaptic).

        A variant names what is changed: "pre", "post" (spike times), "weights", "upper". All are
        simulated side by side: they do not know of one another.
        """
        known: dict[str, Any] = {
            "pre": self.pre, "post": self.post, "weights": self.weights, "upper": self.upper,
        }  # fmt: skip
        given = [known | variant for variant in variants]
        network = self.network([g["weights"] for g in given], [g["upper"] for g in given])
        pre, post = (
            [t[t < duration_ms].tolist() for g in given for t in g[end]] for end in ("pre", "post")
        )
        spikes = self.spikes(pre, post, duration_ms)
        activity = simulate(network, spikes, duration_ms, DT_MS, "auto", self.seed)
        n = len(given)
        blocks = np.asarray(activity.weights["pre->post"]).reshape(n, N_PRE, n, N_POST)
        return blocks[np.arange(n), :, np.arange(n), :]

    def spikes(
        self, pre: list[list[float]], post: list[list[float]], duration_ms: float
    ) -> Stimulus:
        """Input spikes, those that the teacher calls for, and rewards.

        Parameters
        ----------
        pre, post : list of list of float
            Times of each neuron's spikes, in ms.
        duration_ms : float
            No reward comes later.
        """
        trains = {"pre": pre, "teacher": post}
        spikes = {n: Stimulus.from_spike_times(n, t).spikes[n] for n, t in trains.items()}
        return Stimulus(spikes=spikes | self.rewards(duration_ms))

    def rewards(self, duration_ms: float) -> dict[str, Any]:
        """Spikes of the population whose spikes are rewards, where the rule has one."""
        modulator = getattr(self.plasticity, "modulator", None)
        if modulator is None:
            return {}
        n = len(self.plasticity.reward)
        times = [[t for t in (40.0 + i, 120.0 + i, 200.0 + i) if t < duration_ms] for i in range(n)]
        return {modulator: Stimulus.from_spike_times(modulator, times).spikes[modulator]}

    def final(self, duration_ms: float = DURATION_MS, **changed: Any) -> np.ndarray:
        """Plastic weights at the end, in mV, (presynaptic, postsynaptic)."""
        return np.asarray(self.finals([changed], duration_ms)[0])

    @cached_property
    def base(self) -> np.ndarray:
        """Change of the weights with nothing changed."""
        return self.final() - self.weights

    @cached_property
    def variables(self) -> dict[str, set[str]]:
        """What the equations that change a weight read: by "synapse", "pre", "post", "shared"."""

        def run() -> None:
            trains = [t.tolist() for t in self.pre], [t.tolist() for t in self.post]
            spikes = self.spikes(*trains, self.duration_ms)
            network = self.network([self.weights], [self.upper])
            simulate(network, spikes, self.duration_ms, DT_MS, "brian2", self.seed)

        return variables_read(run)

    def moved(self, variants: list[dict[str, Any]]) -> np.ndarray:
        """How the change of the weights differs from the base's, by variant."""
        starts = np.stack([v.get("weights", self.weights) for v in variants])
        return self.finals(variants) - starts - self.base

    @cached_property
    def floor(self) -> float:
        """Effect of changing nothing."""
        return self.share(self.moved([{}, {}])[1])

    @cached_property
    def upper_probes(self) -> list[Probe]:
        """Effects of other weights above."""
        places = [(index, magnitude) for index in range(7) for magnitude in MAGNITUDES]
        variants: list[dict[str, Any]] = []
        for index, magnitude in places:
            rng = generator(self.seed, "audit upper", index)
            upper = self.upper * np.exp(magnitude * rng.normal(size=self.upper.shape))
            variants.append({"upper": -upper if index % 2 else upper})
        return [
            Probe("weights above", "post->up", magnitude, index, self.share(change))
            for (index, magnitude), change in zip(places, self.moved(variants), strict=True)
        ]

    def share(self, change: np.ndarray) -> float:
        """Size of a difference in units of the base's change."""
        size = float(np.linalg.norm(self.base))
        return float(np.linalg.norm(change)) / size if size else 0.0

    @staticmethod
    def apart(times: np.ndarray) -> np.ndarray:
        """Spike times in order, on a grid of two steps, of which each holds one spike at most."""
        return np.unique(nearest_steps(np.asarray(times), 2 * DT_MS)) * 2 * DT_MS

    def with_settings(self, **settings: Any) -> AuditedPlasticity:
        """The same with other settings of the plasticity."""
        changed = self.plasticity.model_copy(update=settings)
        return AuditedPlasticity(self.name, changed, self.seed)

    def finding(self, criterion: Criterion) -> Finding:
        """What a criterion measures of the plasticity."""
        if self.plasticity is None or not self.base.any():
            return absent("no synapse learns")
        if criterion.measure_plasticity is None:
            return absent("not asked of a rule in simulation")
        return criterion.measure_plasticity(self)


def plasticity_named(name: str, seed: int = 0) -> AuditedPlasticity:
    """The plasticity of a shipped rule that acts in simulation.

    Raises
    ------
    SpikelearnError
        If it is not known in which model's file it stands.
    """
    from spikelearn.networks import load_model
    from spikelearn.rules import stdp

    if name in PLASTICITIES:
        described = TypeAdapter(Plasticity).validate_python(PLASTICITIES[name])
        return AuditedPlasticity(name, described, seed)
    if name not in MODELS:
        raise SpikelearnError(f"the audit does not know in which model the rule '{name}' acts")
    model = MODELS[name]
    plasticity = None
    if model is not None:
        network = load_model(model)
        plasticity = next(p.plasticity for p in network.projections if p.plasticity is not None)  # type: ignore[union-attr]
        if getattr(plasticity, "normalise_sum", None) is not None:
            # The same mean weight for the audit's few synapses.
            update = {"normalise_sum": 0.5 * N_PRE, "normalise_every_ms": 50.0}
            plasticity = plasticity.model_copy(update=update)
    claims = getattr(stdp, "CLAIMS", {}) if plasticity is not None else {}
    return AuditedPlasticity(name, plasticity, seed, dict(claims))
