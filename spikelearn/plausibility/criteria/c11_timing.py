"""C11: tolerance to timing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._seeding import generator
from spikelearn.plausibility.accuracy_left import accuracy_left, enough, too_little
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.course import LEAST
from spikelearn.plausibility.criterion import Criterion, Finding, Graded, absent
from spikelearn.plausibility.handicaps import run_of
from spikelearn.plausibility.instruments.intervention import MAGNITUDES, Probe, summarise

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

LEAST_RATIO = 0.9
# Standard deviation of the largest jitter of input spikes.
_JITTER_MS = 5.0


def measure(audited: AuditedRule) -> Finding:
    """Updates that arrive late, each neuron's by a delay of its own."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    free = run_of(audited)
    if not enough(free):
        return too_little(free, "Too little was learned to ask what lateness costs.", "time")
    late = run_of(audited, "late updates")
    return accuracy_left(
        free, {"late": late}, LEAST_RATIO, "time",
        f"With each neuron's update 0 to 4 updates late, accuracy is {late.accuracy:.2f} instead of"
        f" {free.accuracy:.2f}.", "in time",
    )  # fmt: skip


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Move every input spike by a few milliseconds; how much of the change's direction is left?"""
    places = [(index, magnitude) for index in range(7) for magnitude in MAGNITUDES]
    variants: list[dict[str, Any]] = []
    for index, magnitude in places:
        rng = generator(audited.seed, "audit jitter", index)
        jittered = [np.abs(t + rng.normal(0, _JITTER_MS * magnitude, t.size)) for t in audited.pre]
        last = audited.duration_ms - 2
        variants.append({"pre": [audited.apart(np.minimum(t, last)) for t in jittered]})
    probes = []
    size = np.linalg.norm(audited.base)
    for (index, magnitude), moved in zip(places, audited.moved(variants), strict=True):
        change = audited.base + moved
        length = float(np.linalg.norm(change) * size)
        cosine = float((change * audited.base).sum() / length) if length else 0.0
        probes.append(Probe("jittered spikes (cosine)", "pre", magnitude, index, cosine))
    summary = summarise(probes)
    middle = sorted(MAGNITUDES)[len(MAGNITUDES) // 2] * _JITTER_MS
    return Finding(
        summary.mean, f"cosine {summary.mean:.2f}", "time", None, summary.mean >= LEAST_RATIO,
        f"With input spikes moved by {middle:g} ms (standard deviation) the change of the weights"
        f" keeps a cosine of {summary.mean:.2f} ({summary.lower:.2f} to {summary.upper:.2f}, 95 %"
        f" for the mean of {len(probes) // len(MAGNITUDES)} draws).",
        summary.lower, summary.upper, probes=probes,
        undecided=summary.lower < LEAST_RATIO <= summary.upper,
        graded=Graded(summary.mean, LEAST_RATIO, unit="(cosine)"),
    )  # fmt: skip


CRITERION = Criterion(
    "C11",
    "tolerance to timing",
    "Learning does not need all neurons to change at one moment.",
    "Lillicrap et al. 2020, doi:10.1038/s41583-020-0277-3",
    "Training on 8 x 8 digits, in which every neuron's update arrives late by a delay of 0 to 4"
    " updates that is drawn for it anew each time. What a disturbed schedule does within an update"
    " is in the map of equivalences.",
    f"accuracy at least {LEAST_RATIO:g} of that without delays, which is at least {LEAST:g} times"
    " chance",
    "Delays of this length cost little where updates of successive batches are much alike.",
    measure,
    alone="What counts is accuracy after learning, and no tag tells that.",
    measure_plasticity=measure_plasticity,
)
