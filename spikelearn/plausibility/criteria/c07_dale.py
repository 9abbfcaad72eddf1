"""C7: Dale's principle."""

from __future__ import annotations

from spikelearn.plausibility.audited_rule import Subject
from spikelearn.plausibility.criteria._criterion import Criterion, Finding, absent
from spikelearn.plausibility.handicaps import run_of
from spikelearn.plausibility.intervention import Probe

MOST_MIXED = 0.05


def measure(subject: Subject) -> Finding:
    """What signs do as a rule learns freely, and what it costs to fix them."""
    if not subject.learns_below:
        return absent("no hidden layer learns")
    free, fixed = run_of(subject), run_of(subject, "fixed signs")
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
)
