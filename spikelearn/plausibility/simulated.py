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
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.networks.connectivity import OneToOne
from spikelearn.networks.spiking import LIF, Projection, SpikeSource, SpikingNetwork
from spikelearn.plausibility.criteria import CRITERIA, Finding, absent
from spikelearn.plausibility.intervention import MAGNITUDES, Probe, summarise
from spikelearn.simulation import simulate
from spikelearn.stimuli.stimulus import Stimulus

N_PRE, N_POST, N_UP = 6, 4, 3
DURATION_MS, DT_MS = 300.0, 0.5
# Rule -> shipped model in whose file its plasticity stands.
MODELS = {"stdp": "competitive_stdp", "homeostasis": None}


def _blocks(n: int, n_source: int, n_target: int) -> Any:
    """All-to-all connections within each of n copies."""
    first = np.repeat(np.arange(n), n_source * n_target)
    pre, post = np.divmod(np.tile(np.arange(n_source * n_target), n), n_target)
    return {"kind": "pairs", "pre": pre + first * n_source, "post": post + first * n_target}


def apart(times: np.ndarray) -> np.ndarray:
    """Spike times in order, on a grid of two steps, of which each holds one spike at most."""
    return np.unique(np.round(np.asarray(times) / (2 * DT_MS))) * 2 * DT_MS


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
        low, high = (getattr(plasticity, n, d) for n, d in (("w_min_mv", 0.0), ("w_max_mv", 1.0)))
        self.weights = low + (high - low) * rng.uniform(0.3, 0.7, (N_PRE, N_POST))
        self.upper = rng.normal(0, 1, (N_POST, N_UP))

    def network(self, weights: list[np.ndarray], upper: list[np.ndarray]) -> SpikingNetwork:
        """Copies of the network side by side, with these weights."""
        n = len(weights)
        return SpikingNetwork(
            name="audit",
            populations={
                "pre": SpikeSource(model="spike_source", size=n * N_PRE),
                "teacher": SpikeSource(model="spike_source", size=n * N_POST),
                "post": LIF(size=n * N_POST, tau_m_ms=0.1, v_threshold_mv=1e3),
                "up": LIF(size=n * N_UP, tau_m_ms=10.0, v_threshold_mv=0.5),
            },
            projections=(
                Projection(source="pre", target="post", connectivity=_blocks(n, N_PRE, N_POST),
                           weight_mv=np.concatenate([w.ravel() for w in weights]),
                           plasticity=self.plasticity),
                Projection(source="teacher", target="post", weight_mv=1e6,
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
        activity = simulate(network, Stimulus(spikes=spikes), duration_ms, DT_MS, "auto", self.seed)
        found = np.asarray(activity.weights["pre->post"])
        n = len(given)
        blocks = found.reshape(n, N_PRE, n, N_POST)
        return blocks[np.arange(n), :, np.arange(n), :]

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

    if name not in MODELS:
        raise SpikelearnError(f"the audit does not know in which model the rule '{name}' acts")
    model = MODELS[name]
    plasticity = None
    if model is not None:
        network = load_model(model)
        plasticity = next(p.plasticity for p in network.projections if p.plasticity is not None)  # type: ignore[union-attr]
        if getattr(plasticity, "normalise_sum_mv", None) is not None:
            # The same mean weight for the audit's few synapses.
            update = {"normalise_sum_mv": 0.5 * N_PRE, "normalise_every_ms": 50.0}
            plasticity = plasticity.model_copy(update=update)
    claims = getattr(stdp, "CLAIMS", {}) if plasticity is not None else {}
    return SimulatedSubject(name, plasticity, seed, dict(claims))


# --- What the equations read.


@contextlib.contextmanager
def _recorded() -> Iterator[list[dict[str, Any]]]:
    """The arguments with which synapses are made for Brian2."""
    import brian2

    made: list[dict[str, Any]] = []
    original = brian2.Synapses.__init__

    def recording(self: Any, source: Any, target: Any = None, model: Any = None, **kw: Any) -> None:
        made.append({"model": model, **kw})
        original(self, source, target, model, **kw)

    brian2.Synapses.__init__ = recording
    try:
        yield made
    finally:
        brian2.Synapses.__init__ = original


def read_variables(subject: SimulatedSubject) -> dict[str, set[str]]:
    """Variables that enter a weight, through whatever traces, by where they live."""
    with _recorded() as made:
        spikes = {n: Stimulus.from_spike_times(n, [one.tolist() for one in t]).spikes[n]
                  for n, t in (("pre", subject.pre), ("teacher", subject.post))}  # fmt: skip
        network = subject.network([subject.weights], [subject.upper])
        simulate(network, Stimulus(spikes=spikes), DURATION_MS, DT_MS, "brian2", subject.seed)
    plastic = [m for m in made if m.get("on_post")]
    found: dict[str, set[str]] = {k: set() for k in ("synapse", "pre", "post", "shared")}
    for one in plastic:
        model = str(one["model"])
        own = set(re.findall(r"^\s*(?:d(\w+)/dt|(\w+))\s*[:=]", model, re.M))
        names = {a or b for a, b in own}
        shared = set(re.findall(r"(?:d)?(\w+?)(?:/dt)?\s*[:=][^\n]*\(shared", model))
        reads: dict[str, set[str]] = {}
        for block in (one.get("on_pre"), one.get("on_post")):
            texts = block.values() if isinstance(block, dict) else [block or ""]
            for line in "\n".join(map(str, texts)).splitlines():
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
        for name in entering:
            if name.endswith("_post"):
                found["post"].add(name)
            elif name.endswith("_pre"):
                found["pre"].add(name)
            elif name in shared:
                found["shared"].add(name)
            elif name in names:
                found["synapse"].add(name)
    return found


def _names(expression: str) -> set[str]:
    tree = ast.parse(expression.strip(), mode="eval")
    called = {n.func.id for n in ast.walk(tree)
              if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - called


# --- The criteria, on the simulation.


def measure(subject: SimulatedSubject, key: str) -> Finding:
    """A criterion's finding of a plasticity."""
    if key not in CRITERIA:
        raise SpikelearnError(f"there is no criterion {key}; they are {', '.join(CRITERIA)}")
    if subject.plasticity is None or not subject.base.any():
        return absent("no synapse learns")
    found = MEASURES.get(key)
    return absent("not asked of a rule in simulation") if found is None else found(subject)


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


def _transport(subject: SimulatedSubject) -> Finding:
    probes, floor = subject.upper_probes, subject.floor
    summary = summarise(probes, floor)
    free = summary.largest <= floor
    read = sorted(set().union(*subject.variables.values()))
    return Finding(
        summary.largest, f"{summary.largest:.3f} size and sign", "-" if free else "network",
        not subject.variables["post"] - {"v_post"}, free,
        f"Weights above make no difference. The equations of a weight read {', '.join(read)}."
        if free else "Weights above change the update.",
        summary.lower, summary.upper, floor, probes=probes,
    )  # fmt: skip


def _locality(subject: SimulatedSubject) -> Finding:
    places: list[tuple[str, int, float]] = []
    variants: list[dict[str, Any]] = []
    for j in range(7):
        for magnitude in MAGNITUDES:
            added = 40.0 + 30 * j + 10 * magnitude
            for which, n in (("pre", N_PRE), ("post", N_POST)):
                trains = [t.copy() for t in getattr(subject, which)]
                trains[j % n] = apart(np.append(trains[j % n], added))
                places.append((f"{which}synaptic unit", j % n, magnitude))
                variants.append({which: trains})
            weights = subject.weights.copy()
            weights[j % N_PRE, j % N_POST] *= 1 + 0.3 * magnitude
            places.append(("weight", j, magnitude))
            variants.append({"weights": weights})
    probes = [
        _elsewhere(change, *place)
        for place, change in zip(places, subject.moved(variants), strict=True)
    ]
    worst = {q: max(p.effect for p in probes if p.quantity == q)
             for q in ("presynaptic unit", "postsynaptic unit", "weight")}  # fmt: skip
    scope = "synapse"
    if max(worst["presynaptic unit"], worst["weight"]) > 1e-9:
        scope = "neuron"
    if worst["postsynaptic unit"] > 1e-9:
        scope = "layer"
    summed = getattr(subject.plasticity, "normalise_sum_mv", None) is not None
    by_equations = "neuron" if summed else "synapse"
    sentence = {
        "synapse": "Each synapse learns from the spikes of its two ends and its own weight.",
        "neuron": "A synapse needs the weights of the other synapses onto its neuron.",
        "layer": "A synapse needs other neurons.",
    }[scope]
    share = max(worst.values())
    return Finding(
        share, f"{share:.3f} elsewhere", scope, by_equations == "synapse", scope == "synapse",
        f"{sentence} By its description: {by_equations}.", probes=probes,
    )  # fmt: skip


def _elsewhere(change: np.ndarray, what: str, unit: int, magnitude: float) -> Probe:
    mask = np.ones_like(change)
    if what == "presynaptic unit":
        mask[unit] = 0
    elif what == "postsynaptic unit":
        mask[:, unit] = 0
    else:
        mask[unit % N_PRE, unit % N_POST] = 0
    size = np.linalg.norm(change)
    # Rounding of what is scaled is no effect.
    share = float(np.linalg.norm(change * mask) / size) if size > 1e-12 else 0.0
    return Probe(what, f"unit {unit + 1}", magnitude, 0, share if share > 1e-9 else 0.0)


def _rank(subject: SimulatedSubject) -> Finding:
    rank = len(subject.variables["shared"])
    said = (
        "No teaching signal enters the equations."
        if not rank
        else (
            f"One number for all synapses enters: {', '.join(sorted(subject.variables['shared']))}."
        )
    )
    return Finding(float(rank), str(rank), "network" if rank else "-", rank <= 1, rank <= 1, said)


def _phases(subject: SimulatedSubject) -> Finding:
    half = subject.final(duration_ms=DURATION_MS / 2) - subject.weights
    going = bool(half.any()) and not np.array_equal(half, subject.base)
    phases = 1 if going else 2
    return Finding(
        float(phases), str(phases), "-", True, going,
        "Weights change while the network is active, in the first half of the stimulus and in the"
        " second.",
    )  # fmt: skip


def _locking(subject: SimulatedSubject) -> Finding:
    probes = subject.upper_probes
    locked = max(p.effect for p in probes) > subject.floor
    return Finding(
        float(locked), "1/1" if locked else "0/1", "network" if locked else "-", not locked,
        not locked, "What neurons above do makes no difference.", probes=probes,
    )  # fmt: skip


def _channel(subject: SimulatedSubject) -> Finding:
    rank = len(subject.variables["shared"])
    return Finding(0.0, "one number" if rank else "none", "-", True, True,
                   "No synapse carries an error.")  # fmt: skip


def _in_time(subject: SimulatedSubject) -> Finding:
    half = DURATION_MS / 2
    later = [np.append(t[t < half], t[t >= half] + 1.5) for t in subject.pre]
    before = subject.final(duration_ms=half)
    changed = subject.final(pre=later, duration_ms=half)
    moved = float(np.abs(subject.final(pre=later) - subject.final()).max())
    causal = np.array_equal(before, changed)
    kept = sorted(subject.variables["synapse"] - {"w"})
    probes = [Probe("later spikes, on weights before", "synapses", 1.0, 0,
                    float(np.abs(before - changed).max())),
              Probe("later spikes, on weights after", "synapses", 1.0, 0, moved)]  # fmt: skip
    return Finding(
        0.0, "0.00 numbers/unit/step, 0 steps ahead", "-", True, causal,
        f"Spikes of the second half change no weight of the first. A synapse keeps {len(kept)}"
        f" number(s) beside its weight ({', '.join(kept)}), however long the stimulus.",
        probes=probes,
    )  # fmt: skip


def _signs(subject: SimulatedSubject) -> Finding:
    final = subject.final()
    flips = int((np.sign(final) * np.sign(subject.weights) < 0).sum())
    bounded = getattr(subject.plasticity, "w_min_mv", -np.inf) >= 0
    return Finding(float(flips), f"{flips} flips", "synapse", bounded, flips == 0,
                   "Weights are bounded below by 0 and keep their sign.")  # fmt: skip


def _spikes(subject: SimulatedSubject) -> Finding:
    return Finding(1.0, "up 100 %", "-", not subject.variables["post"] - {"v_post"}, True,
                   "All that neurons tell one another, and their synapses, is spikes.")  # fmt: skip


def _unlabelled(subject: SimulatedSubject) -> Finding:
    free = not subject.variables["shared"]
    return Finding(0.0, "0.000", "-", free, free, "There is no label in the network.")


def _timing(subject: SimulatedSubject) -> Finding:
    places = [(index, magnitude) for index in range(7) for magnitude in MAGNITUDES]
    variants: list[dict[str, Any]] = []
    for index, magnitude in places:
        rng = generator(subject.seed, "audit jitter", index)
        jittered = [np.abs(t + rng.normal(0, 5 * magnitude, t.size)) for t in subject.pre]
        variants.append({"pre": [apart(np.minimum(t, DURATION_MS - 2)) for t in jittered]})
    probes = []
    size = np.linalg.norm(subject.base)
    for (index, magnitude), moved in zip(places, subject.moved(variants), strict=True):
        change = subject.base + moved
        cosine = float((change * subject.base).sum() / (np.linalg.norm(change) * size))
        probes.append(Probe("jittered spikes (cosine)", "pre", magnitude, index, cosine))
    summary = summarise(probes)
    return Finding(
        summary.mean, f"cosine {summary.mean:.2f}", "time", None, summary.mean >= 0.9,
        f"With input spikes moved by 1.5 ms (standard deviation) the change of the weights keeps a"
        f" cosine of {summary.mean:.2f}.", summary.lower, summary.upper, probes=probes,
    )  # fmt: skip


def _stimuli(subject: SimulatedSubject) -> Finding:
    return Finding(0.0, "stimuli", "-", True, True, "The network is shown the stimuli alone.")


def _cost(subject: SimulatedSubject) -> Finding:
    events = sum(t.size for t in subject.pre) * N_POST + sum(t.size for t in subject.post) * N_PRE
    kept = len(subject.variables["synapse"])
    return Finding(
        float(events), f"{events} updates", "-", None, None,
        f"{events} updates of single synapses in {DURATION_MS:.0f} ms, one for each spike at either"
        f" end; {kept} numbers a synapse.", judged=False,
    )  # fmt: skip


MEASURES: dict[str, Callable[[SimulatedSubject], Finding]] = {
    "C1": _transport, "C2": _locality, "C3": _rank, "C4a": _phases, "C4b": _locking,
    "C4c": _channel, "C5": _in_time, "C7": _signs, "C8": _spikes, "C9": _unlabelled,
    "C11": _timing, "C15": _stimuli, "C16": _cost,
}  # fmt: skip
