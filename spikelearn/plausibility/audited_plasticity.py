"""Rules that act while a spiking network is simulated: audited on the simulation.

Interventions change spikes, weights or rewards of a small network (`spike_bench`); what is read are
the plastic weights at the end. In place of tags stand the variables that the plasticity's equations
read, taken from the equations that are handed to the simulator. What needs no experiment, for it
stands in these equations, is said to follow from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn._time_steps import nearest_steps
from spikelearn.networks.plasticity import Plasticity
from spikelearn.plausibility.criterion import Criterion, Finding, absent, by_equations, untold
from spikelearn.plausibility.instruments.equation_variables import Equations, equations_of
from spikelearn.plausibility.instruments.intervention import MAGNITUDES, Probe
from spikelearn.plausibility.spike_bench import (
    DT_MS,
    DURATION_MS,
    N_POST,
    N_PRE,
    N_UPPER,
    REWARD_MS,
    REWARDS,
    Simulated,
    Variant,
    run_side_by_side,
)

# How many rewards of one moment are changed one by one.
N_REWARDS = 5
# The criterion of weights' signs.
SIGNS = "C7"
# How often weights that are scaled to a sum are scaled here.
_SCALED_EVERY_MS = 50.0
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
    usual : Variant
        Spikes and weights with nothing changed.
    """

    duration_ms = DURATION_MS

    def __init__(
        self, name: str, plasticity: Any, seed: int = 0, claims: dict[str, bool] | None = None
    ) -> None:
        self.name, self.seed = name, seed
        self.claims = claims or {}
        rng = generator(seed, "audit spikes")
        pre = [self.apart(rng.uniform(5, DURATION_MS - 20, 8)) for _ in range(N_PRE)]
        post = [self.apart(rng.uniform(5, DURATION_MS - 20, 8)) for _ in range(N_POST)]
        bounds = (("w_min", 0.0), ("w_max", 1.0))
        self.w_min, self.w_max = (float(getattr(plasticity, n, d)) for n, d in bounds)
        inside = rng.uniform(0.3, 0.7, (N_PRE, N_POST))
        weights = self.w_min + (self.w_max - self.w_min) * inside
        self.usual = Variant(pre, post, weights, rng.normal(0, 1, (N_POST, N_UPPER)))
        self.plasticity: Any = plasticity and self._for_few_synapses(plasticity)

    def _for_few_synapses(self, plasticity: Any) -> Any:
        """The plasticity with what a description fits to its own network fitted to this one."""
        update: dict[str, Any] = {}
        if getattr(plasticity, "modulator", None) is not None:
            update["modulator"] = REWARDS
        if getattr(plasticity, "normalise_sum", None) is not None:
            # The same mean weight for few synapses. What is scaled once, before it learns, are
            # initial weights.
            middle = (self.w_min + self.w_max) / 2 * N_PRE
            often = plasticity.normalise_every_ms is not None
            total = middle if middle > 0 else plasticity.normalise_sum
            update["normalise_sum"] = total if often else None
            update["normalise_every_ms"] = _SCALED_EVERY_MS if often else None
        return plasticity.model_copy(update=update)

    @property
    def pre(self) -> list[np.ndarray]:
        """Spike times of each presynaptic neuron, in ms."""
        return self.usual.pre

    @property
    def post(self) -> list[np.ndarray]:
        """Spike times of each postsynaptic neuron, in ms."""
        return self.usual.post

    @property
    def weights(self) -> np.ndarray:
        """Of the plastic synapses at the start, in mV, (presynaptic, postsynaptic)."""
        return self.usual.weights

    @property
    def upper(self) -> np.ndarray:
        """Of the synapses onto the neurons above, in mV, (postsynaptic, upper)."""
        return self.usual.upper

    def run(self, variants: Sequence[dict[str, Any]], **settings: Any) -> Simulated:
        """What the network does, of variants that are simulated side by side.

        Parameters
        ----------
        variants : sequence of dict
            What is changed, by field of `Variant`.
        **settings
            As `run_side_by_side` has them.
        """
        given = [replace(self.usual, **variant) for variant in variants]
        return run_side_by_side(self.plasticity, given, **settings)

    def finals(
        self, variants: Sequence[dict[str, Any]], duration_ms: float = DURATION_MS
    ) -> np.ndarray:
        """Plastic weights at the end, in mV, (variants, presynaptic, postsynaptic)."""
        return self.run(variants, duration_ms=duration_ms).weights

    def final(self, duration_ms: float = DURATION_MS, **changed: Any) -> np.ndarray:
        """Plastic weights at the end, in mV, (presynaptic, postsynaptic)."""
        return np.asarray(self.finals([changed], duration_ms)[0])

    @cached_property
    def base(self) -> np.ndarray:
        """Change of the weights with nothing changed."""
        return self.final() - self.weights

    @cached_property
    def equations(self) -> Equations:
        """The equations that change a weight, as the simulator is handed them."""
        return equations_of(lambda: self.run([{}], engine="brian2"))

    def follows(self, met: bool, equation: str, **known: Any) -> Finding:
        """The finding where the equations say it; they do not where they read what is not known.

        Parameters
        ----------
        met : bool
        equation : str
            From which it follows, beside the equations of a weight.
        **known
            Other fields of the finding.
        """
        foreign = ", ".join(sorted(self.variables["elsewhere"]))
        if foreign or not self.equations.text:
            return untold(
                f"The equations read {foreign or 'nothing that was seen'}, of which it is not known"
                " what they are made of.",
                "Needed: equations that read variables of the synapse and its two neurons.",
            )
        return by_equations(met, f"{self.equations.text}. {equation}", **known)

    @property
    def variables(self) -> dict[str, set[str]]:
        """What the equations read: of the "synapse", of "pre" and "post", "shared", "elsewhere"."""
        return self.equations.variables

    def moved(self, variants: Sequence[dict[str, Any]]) -> np.ndarray:
        """How the change of the weights differs from the base's, by variant."""
        starts = np.stack([v.get("weights", self.weights) for v in variants])
        return self.finals(variants) - starts - self.base

    @cached_property
    def floor(self) -> float:
        """Effect of changing nothing."""
        return self.share(self.moved([{}, {}])[1])

    @cached_property
    def saturated(self) -> bool:
        """Whether every weight ends at one of its bounds, where nothing can be told from it."""
        final = self.weights + self.base
        return bool(((final <= self.w_min) | (final >= self.w_max)).all())

    @cached_property
    def above(self) -> tuple[list[Probe], int]:
        """Effects of other weights above; and in how many neurons there spiked otherwise."""
        places = [(index, magnitude) for index in range(7) for magnitude in MAGNITUDES]
        variants: list[dict[str, Any]] = [{}]
        for index, magnitude in places:
            rng = generator(self.seed, "audit upper", index)
            upper = self.upper * np.exp(magnitude * rng.normal(size=self.upper.shape))
            variants.append({"upper": -upper if index % 2 else upper})
        done = self.run(variants)
        moved = sum(
            any(not np.array_equal(a, b) for a, b in zip(one, done.above[0], strict=True))
            for one in done.above[1:]
        )
        changes = done.weights[1:] - self.weights - self.base
        return [
            Probe("weights above", "post->up", magnitude, index, self.share(change))
            for (index, magnitude), change in zip(places, changes, strict=True)
        ], moved

    @property
    def taught(self) -> bool:
        """Whether the equations read what is one for all synapses, as a reward is."""
        return bool(self.variables["shared"])

    @cached_property
    def reward_probes(self) -> list[Probe]:
        """Effects of rewards of other sizes; none where the rule knows no reward."""
        reward = getattr(self.plasticity, "reward", None)
        if reward is None:
            return []
        probes = []
        for index in range(7):
            for magnitude in MAGNITUDES:
                rng = generator(self.seed, "audit reward", index)
                factors = 1 + magnitude * rng.choice([-2.0, -1.0, 1.0], len(reward))
                other = tuple(float(r * f) for r, f in zip(reward, factors, strict=True))
                change = self.with_settings(reward=other).final() - self.weights - self.base
                share = self.share(change)
                probes.append(Probe("reward", "all synapses", magnitude, index, share))
        return probes

    @cached_property
    def reward_changes(self) -> np.ndarray:
        """How weights change by a little more of each of 5 rewards of one moment; (5, synapses).

        Where the rule sends one number to all synapses they are multiples of one another.
        """
        reward = self.plasticity.reward
        several = [r / N_REWARDS for r in (reward * N_REWARDS)[:N_REWARDS]]
        finals = []
        for index in range(-1, N_REWARDS):
            # A little, so that no weight comes to its bound by it.
            given = [1.001 * r if k == index else r for k, r in enumerate(several)]
            audited = self.with_settings(reward=tuple(given))
            finals.append(audited.run([{}], together=True).weights[0].ravel())
        return np.stack(finals[1:]) - finals[0]

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
        if self.plasticity is None:
            return absent("no synapse learns")
        if criterion.measure_plasticity is None:
            return absent("not asked of a rule in simulation")
        if not self.base.any():
            rewards = f" and {len(REWARD_MS)} rewards" if self.taught else ""
            return untold(
                f"No weight changed by {self.duration_ms:.0f} ms of spikes{rewards}; the equations:"
                f" {self.equations.text or 'none that changes a weight'}.",
                "Needed: amplitudes above 0 and, where potentials are read, thresholds that they"
                " reach.",
            )
        found = criterion.measure_plasticity(self)
        # Bounds alone decide on signs; of all else nothing shows there.
        if not self.saturated or found.verdict != "pass" or criterion.key == SIGNS:
            return found
        known = {name: getattr(found, name) for name in ("value", "shown", "scope", "probes")}
        return untold(
            f"Every weight ends at a bound, {self.w_min:g} or {self.w_max:g}, where no other effect"
            " shows.", "Needed: smaller amplitudes, or wider bounds.", **known,
        )  # fmt: skip


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
    claims = getattr(stdp, "CLAIMS", {}) if plasticity is not None else {}
    return AuditedPlasticity(name, plasticity, seed, dict(claims))
