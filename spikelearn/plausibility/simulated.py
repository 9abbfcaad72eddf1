"""Rules that act while a spiking network is simulated: audited on the simulation.

A small network in which everything but the plasticity is told: input spikes (6 neurons), a teacher
that makes each of 4 neurons fire when it says, and 3 neurons above. Interventions change spikes or
weights of it; what is read are the plastic weights at the end. In place of tags stand the variables
that the plasticity's equations read, taken from the equations that are handed to the simulator.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator
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
from spikelearn.plausibility.intervention import MAGNITUDES, Probe
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

N_PRE, N_POST, N_UP = 6, 4, 3
DURATION_MS, DT_MS = 300.0, 0.5
# Rule -> shipped model in whose file its plasticity stands.
MODELS = {"stdp": "competitive_stdp", "homeostasis": None}
# Rules that only stand in descriptions of networks, with the constants of their papers.
PLASTICITIES: dict[str, dict[str, Any]] = {
    "triplet_stdp": {"rule": "triplet_stdp"},
    "diehl_cook_stdp": {"rule": "diehl_cook_stdp"},
    "inhibitory_stdp": {"rule": "inhibitory_stdp"},
    "clopath_stdp": {"rule": "clopath_stdp"},
    "reward_stdp_in_time": {
        "rule": "reward_stdp", "modulator": "reward", "reward": (0.5,), "a_plus": 0.01,
        "a_minus": 0.012,
    },
}  # fmt: skip


def _blocks(n: int, n_source: int, n_target: int) -> Any:
    """All-to-all connections within each of n copies."""
    first = np.repeat(np.arange(n), n_source * n_target)
    pre, post = np.divmod(np.tile(np.arange(n_source * n_target), n), n_target)
    return {"kind": "pairs", "pre": pre + first * n_source, "post": post + first * n_target}


def apart(times: np.ndarray) -> np.ndarray:
    """Spike times in order, on a grid of two steps, of which each holds one spike at most."""
    return np.unique(nearest_steps(np.asarray(times), 2 * DT_MS)) * 2 * DT_MS


class SimulatedSubject:
    """A plasticity under audit.

    Parameters
    ----------
    name : str
    plasticity : description, or None
        As a projection takes it.
    seed : int
    claims : mapping
    """

    def __init__(
        self, name: str, plasticity: Any, seed: int = 0, claims: dict[str, bool] | None = None
    ) -> None:
        self.name, self.plasticity, self.seed = name, plasticity, seed
        self.claims = claims or {}
        rng = generator(seed, "audit spikes")
        self.pre = [apart(rng.uniform(5, DURATION_MS - 20, 8)) for _ in range(N_PRE)]
        self.post = [apart(rng.uniform(5, DURATION_MS - 20, 8)) for _ in range(N_POST)]
        low, high = (getattr(plasticity, n, d) for n, d in (("w_min", 0.0), ("w_max", 1.0)))
        self.weights = low + (high - low) * rng.uniform(0.3, 0.7, (N_PRE, N_POST))
        self.upper = rng.normal(0, 1, (N_POST, N_UP))

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
                "up": LIF(size=n * N_UP, tau_m_ms=10.0, v_threshold_mv=0.5),
            },
            projections=(
                Projection(source="pre", target="post", connectivity=_blocks(n, N_PRE, N_POST),
                           weight_mv=np.concatenate([w.ravel() for w in weights]),
                           plasticity=self.plasticity),
                Projection(source="teacher", target="post", weight_mv=80.0,
                           connectivity=OneToOne(kind="one_to_one")),
                Projection(source="post", target="up", connectivity=_blocks(n, N_POST, N_UP),
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
        spikes = {}
        for name, key in (("pre", "pre"), ("teacher", "post")):
            trains = [t[t < duration_ms].tolist() for g in given for t in g[key]]
            spikes[name] = Stimulus.from_spike_times(name, trains).spikes[name]
        spikes |= self.rewards(duration_ms)
        activity = simulate(network, Stimulus(spikes=spikes), duration_ms, DT_MS, "auto", self.seed)
        found = np.asarray(activity.weights["pre->post"])
        n = len(given)
        blocks = found.reshape(n, N_PRE, n, N_POST)
        return blocks[np.arange(n), :, np.arange(n), :]

    def rewards(self, duration_ms: float) -> dict[str, Any]:
        """Spikes of the population whose spikes are rewards, where the rule has one."""
        modulator = getattr(self.plasticity, "modulator", None)
        if modulator is None:
            return {}
        n = len(self.plasticity.reward)
        told = [[t for t in (40.0 + i, 120.0 + i, 200.0 + i) if t < duration_ms] for i in range(n)]
        return {modulator: Stimulus.from_spike_times(modulator, told).spikes[modulator]}

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
        return read_variables(self)

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
        return _upper_probes(self)

    def share(self, change: np.ndarray) -> float:
        """Size of a difference in units of the base's change."""
        size = float(np.linalg.norm(self.base))
        return float(np.linalg.norm(change)) / size if size else 0.0


def subject_of(name: str, seed: int = 0) -> SimulatedSubject:
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
        return SimulatedSubject(name, described, seed)
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
    return SimulatedSubject(name, plasticity, seed, dict(claims))


# --- What the equations read.


@contextlib.contextmanager
def _recorded() -> Iterator[list[dict[str, Any]]]:
    """The arguments with which synapses are made for Brian2, and what is run at every step."""
    import brian2

    made: list[dict[str, Any]] = []
    original, regular = brian2.Synapses.__init__, brian2.Synapses.run_regularly

    def recording(self: Any, source: Any, target: Any = None, model: Any = None, **kw: Any) -> None:
        made.append({"model": model, "synapses": self, "regular": [], **kw})
        original(self, source, target, model, **kw)

    def running(self: Any, code: str, *args: Any, **kw: Any) -> Any:
        for one in made:
            if one["synapses"] is self:
                one["regular"].append(code)
        return regular(self, code, *args, **kw)

    brian2.Synapses.__init__, brian2.Synapses.run_regularly = recording, running
    try:
        yield made
    finally:
        brian2.Synapses.__init__ = original
        del brian2.Synapses.run_regularly


def read_variables(subject: SimulatedSubject) -> dict[str, set[str]]:
    """Variables that enter a weight, through whatever traces, by where they live."""
    with _recorded() as made:
        spikes = {n: Stimulus.from_spike_times(n, [one.tolist() for one in t]).spikes[n]
                  for n, t in (("pre", subject.pre), ("teacher", subject.post))}  # fmt: skip
        network = subject.network([subject.weights], [subject.upper])
        spikes |= subject.rewards(DURATION_MS)
        simulate(network, Stimulus(spikes=spikes), DURATION_MS, DT_MS, "brian2", subject.seed)
    plastic = [m for m in made if re.search(r"^\s*w\s*[-+*/]?=", _code(m), re.M)]
    found: dict[str, set[str]] = {k: set() for k in ("synapse", "pre", "post", "shared")}
    for one in plastic:
        model = str(one["model"])
        own = set(re.findall(r"^\s*(?:d(\w+)/dt|(\w+))\s*[:=]", model, re.M))
        names = {a or b for a, b in own}
        shared = set(re.findall(r"(?:d)?(\w+?)(?:/dt)?\s*[:=][^\n]*\(shared", model))
        reads: dict[str, set[str]] = {}
        for line in _code(one).splitlines():
            target, _, expression = re.sub(r"([-+*/])=", "=", line).partition("=")
            if expression:
                reads.setdefault(target.strip(), set()).update(_names(expression))
                if re.search(r"[-+*/]=", line):
                    reads[target.strip()].add(target.strip())
        for name, equation in re.findall(r"d(\w+)/dt\s*=\s*([^:\n]+):", model):
            reads.setdefault(name, set()).update(_names(equation))
        entering, new = set(), {"w"}
        while new:
            entering |= new
            new = set().union(*(reads.get(n, set()) for n in new)) - entering
        # What stands in the namespace is a constant of the rule, whatever its name ends with.
        for name in entering - set(one.get("namespace") or ()):
            if name.endswith("_post"):
                found["post"].add(name)
            elif name.endswith("_pre"):
                found["pre"].add(name)
            elif name in shared:
                found["shared"].add(name)
            elif name in names:
                found["synapse"].add(name)
            elif name in one["synapses"].variables:  # a reference to what is one for all
                found["shared"].add(name)
    return found


def _code(made: dict[str, Any]) -> str:
    """What synapses do at spikes of either end, and at every step."""
    texts: list[str] = []
    for block in (made.get("on_pre"), made.get("on_post")):
        texts += [str(t) for t in (block.values() if isinstance(block, dict) else [block or ""])]
    return "\n".join([*texts, *made["regular"]])


def _names(expression: str) -> set[str]:
    tree = ast.parse(expression.strip(), mode="eval")
    called = {n.func.id for n in ast.walk(tree)
              if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - called


def _upper_probes(subject: SimulatedSubject) -> list[Probe]:
    places = [(index, magnitude) for index in range(7) for magnitude in MAGNITUDES]
    variants: list[dict[str, Any]] = []
    for index, magnitude in places:
        rng = generator(subject.seed, "audit upper", index)
        upper = subject.upper * np.exp(magnitude * rng.normal(size=subject.upper.shape))
        variants.append({"upper": -upper if index % 2 else upper})
    return [
        Probe("weights above", "post->up", magnitude, index, subject.share(change))
        for (index, magnitude), change in zip(places, subject.moved(variants), strict=True)
    ]
