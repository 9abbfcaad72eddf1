"""C7: Dale's principle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent
from spikelearn.plausibility.handicaps import run_of
from spikelearn.plausibility.instruments.intervention import Probe

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

MOST_MIXED = 0.05


def measure(audited: AuditedRule) -> Finding:
    """What signs do as a rule learns freely, and what it costs to fix them."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    free, fixed = run_of(audited), run_of(audited, "fixed signs")
    kept = free.mixed <= MOST_MIXED
    probes = [
        Probe("units of mixed sign", "network", 0.0, 0, free.mixed),
        Probe("sign flips per 1000 steps and synapse", "network", 0.0, 0, free.flips_per_1000),
        Probe("accuracy", "free", 0.0, 0, free.accuracy),
        Probe("accuracy", "fixed signs", 1.0, 0, fixed.accuracy),
    ]
    sentence = (
        f"{100 * free.mixed:.0f} % of the units excite some targets and inhibit others;"
        f" {free.flips_per_1000:.1f} changes of sign in 1,000 steps of a synapse. With signs"
        " fixed by"
        f" unit, half of each, accuracy goes from {free.accuracy:.2f} to {fixed.accuracy:.2f}."
    )
    return Finding(
        free.mixed, f"{100 * free.mixed:.0f} % mixed, {fixed.accuracy - free.accuracy:+.2f}",
        "neuron", None, kept, sentence, probes=probes,
    )  # fmt: skip


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Do weights change sign?"""
    final = audited.final()
    flips = int((np.sign(final) * np.sign(audited.weights) < 0).sum())
    bounded = getattr(audited.plasticity, "w_min", -np.inf) >= 0
    return Finding(float(flips), f"{flips} flips", "synapse", bounded, flips == 0,
                   "Weights are bounded below by 0 and keep their sign.")  # fmt: skip


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
