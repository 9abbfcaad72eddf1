"""C7: Dale's principle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.plausibility.accuracy_left import enough, needed
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, Graded, absent, untold
from spikelearn.plausibility.handicaps import run_of
from spikelearn.plausibility.instruments.intervention import Probe

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

MOST_MIXED = 0.05


def measure(audited: AuditedRule) -> Finding:
    """What signs do as a rule learns freely, and what it costs to fix them."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    free = run_of(audited)
    said = (
        f"{100 * free.mixed:.0f} % of the units excite some targets and inhibit others;"
        f" {free.flips_per_1000:.1f} changes of sign in 1,000 steps of a synapse."
    )
    probes = [
        Probe("units of mixed sign", "network", 0.0, 0, free.mixed),
        Probe("sign flips per 1000 steps and synapse", "network", 0.0, 0, free.flips_per_1000),
        Probe("accuracy", "free", 0.0, 0, free.accuracy),
    ]
    if not enough(free):  # what signs do where nothing is learned says nothing of learning
        return untold(
            said, needed(free, "learning freely"), scope="neuron", value=free.mixed,
            shown=f"{100 * free.mixed:.0f} % mixed", probes=probes,
        )  # fmt: skip
    fixed = run_of(audited, "fixed signs")
    probes.append(Probe("accuracy", "fixed signs", 1.0, 0, fixed.accuracy))
    sentence = (
        f"{said} With signs fixed by unit, half of each, accuracy goes from {free.accuracy:.2f} to"
        f" {fixed.accuracy:.2f}."
    )
    grade = Graded(free.mixed, MOST_MIXED, at_least=False, unit="of the units mixed")
    return Finding(
        free.mixed, f"{100 * free.mixed:.0f} % mixed, {fixed.accuracy - free.accuracy:+.2f}",
        "neuron", None, grade.meets(free.mixed), sentence, probes=probes, graded=grade,
    )  # fmt: skip


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Drive weights up and down, from both sides of 0 where they may lie there; who crosses it?"""
    low, high = audited.w_min, audited.w_max
    sides = np.sign(audited.weights - (low + high) / 2)
    near = np.clip(0.05 * (high - low) * sides, low, high)
    variants: list[dict[str, Any]] = [
        {"weights": start, **trains}
        for start in (audited.weights, near) for trains in _driving(audited)
    ]  # fmt: skip
    finals = audited.finals(variants)
    starts = np.stack([variant["weights"] for variant in variants])
    up = int(((starts < 0) & (finals > 0)).sum())
    down = int(((starts > 0) & (finals < 0)).sum())
    one_sided = low >= 0 or high <= 0
    probes = [Probe("sign flips", way, 1.0, 0, float(flips))
              for way, flips in (("upwards", up), ("downwards", down))]  # fmt: skip
    return Finding(
        float(up + down), f"{up} up, {down} down", "synapse", one_sided, up + down == 0,
        f"In {len(variants)} runs that drive weights up and down, {up} of {int((starts < 0).sum())}"
        f" synapses below 0 went above it, and {down} of {int((starts > 0).sum())} above it went"
        f" below. The bounds of a weight, {low:g} and {high:g}, lie on"
        f" {'one side' if one_sided else 'both sides'} of 0.", probes=probes,
    )  # fmt: skip


def _driving(audited: AuditedPlasticity) -> list[dict[str, list[np.ndarray]]]:
    """Spikes at both ends: as they are; input just before, just after, and one end alone."""
    n_pre, n_post = len(audited.pre), len(audited.post)
    often, silent = np.arange(10.0, audited.duration_ms - 20.0, 12.0), np.zeros(0)
    return [
        {},
        {"pre": [often] * n_pre, "post": [often + 3.0] * n_post},
        {"pre": [often + 3.0] * n_pre, "post": [often] * n_post},
        {"pre": [often] * n_pre, "post": [silent] * n_post},
        {"pre": [silent] * n_pre, "post": [often] * n_post},
    ]


CRITERION = Criterion(
    "C7",
    "Dale's principle",
    "A neuron excites all its targets or inhibits all of them, and stays so while it learns.",
    "Eccles, Fatt & Koketsu 1954, doi:10.1113/jphysiol.1954.sp005226; Cornford et al. 2021 (ICLR)",
    "Training on 8 x 8 digits: the share of units with outgoing weights of both signs, and how"
    " often"
    " a synapse changes sign; and the accuracy where each unit's sign was drawn at the start and"
    " every step is projected on it.",
    f"at most {MOST_MIXED:g} of the units mixed when it learns freely",
    "From symmetric initial weights a rule that has no means to keep signs is mixed throughout.",
    measure,
    alone="Signs are read of the weights themselves, before and after; there is no way to be"
    " followed.",
    measure_plasticity=measure_plasticity,
)
