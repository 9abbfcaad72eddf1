"""The criteria, asked of a plasticity that acts in a simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.plausibility.criteria import CRITERIA, Finding, absent
from spikelearn.plausibility.intervention import MAGNITUDES, Probe, summarise
from spikelearn.plausibility.simulated import (
    DURATION_MS,
    N_POST,
    N_PRE,
    SimulatedSubject,
    apart,
)


def measure(subject: SimulatedSubject, key: str) -> Finding:
    """A criterion's finding of a plasticity."""
    if key not in CRITERIA:
        raise SpikelearnError(f"there is no criterion {key}; they are {', '.join(CRITERIA)}")
    if subject.plasticity is None or not subject.base.any():
        return absent("no synapse learns")
    found = MEASURES.get(key)
    return absent("not asked of a rule in simulation") if found is None else found(subject)


def _transport(subject: SimulatedSubject) -> Finding:
    probes, floor = subject.upper_probes, subject.floor
    summary = summarise(probes, floor)
    free = summary.largest <= floor
    read = sorted(set().union(*subject.variables.values()))
    return Finding(
        summary.largest, f"{summary.largest:.3f} size and sign", "-" if free else "network",
        True, free,
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
    summed = getattr(subject.plasticity, "normalise_sum", None) is not None
    # What lives at the neuron, such as its potential, is made by all of its synapses.
    by_equations = "neuron" if summed or subject.variables["post"] else "synapse"
    sentence = {
        "synapse": "Each synapse learns from the spikes of its two ends and its own weight.",
        "neuron": "A synapse needs the others onto its neuron: their weights, or the potential.",
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
    reward = getattr(subject.plasticity, "reward", None)
    if reward is None:
        rank, changes = 0, []
        said = "No teaching signal enters the equations."
    else:
        changes = [_rewarded(subject, times) - subject.final() for times in (-1.0, 0.0, 0.5, 2.0)]
        values = np.linalg.svd(np.stack([c.ravel() for c in changes]), compute_uv=False)
        rank = int((values > 1e-6 * max(values[0], 1e-12)).sum()) if values[0] > 1e-12 else 0
        said = "One number for all synapses teaches: rewards of other sizes scale the change."
    probes = [Probe("reward", "all synapses", 1.0, i, float(np.linalg.norm(c)))
              for i, c in enumerate(changes)]  # fmt: skip
    return Finding(float(rank), str(rank), "network" if rank else "-", True, rank <= 1, said,
                   probes=probes)  # fmt: skip


def _rewarded(subject: SimulatedSubject, times: float) -> np.ndarray:
    """Final weights where every reward is so many times as large."""
    reward = tuple(times * r for r in subject.plasticity.reward)
    changed = subject.plasticity.model_copy(update={"reward": reward})
    return SimulatedSubject(subject.name, changed, subject.seed).final()


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
    rank = hasattr(subject.plasticity, "reward")
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
    bounded = getattr(subject.plasticity, "w_min", -np.inf) >= 0
    return Finding(float(flips), f"{flips} flips", "synapse", bounded, flips == 0,
                   "Weights are bounded below by 0 and keep their sign.")  # fmt: skip


def _spikes(subject: SimulatedSubject) -> Finding:
    return Finding(1.0, "up 100 %", "-", True, True,
                   "All that neurons tell one another, and their synapses, is spikes.")  # fmt: skip


def _unlabelled(subject: SimulatedSubject) -> Finding:
    free = not hasattr(subject.plasticity, "reward")
    said = "There is no label in the network." if free else "Rewards stand for labels."
    return Finding(float(not free), f"{float(not free):.3f}", "-", free, free, said)


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
