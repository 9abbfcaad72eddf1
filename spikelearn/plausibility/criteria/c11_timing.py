"""C11: tolerance to timing."""

from __future__ import annotations

from spikelearn.plausibility.audited_rule import Subject
from spikelearn.plausibility.criteria._criterion import Criterion, Finding, absent
from spikelearn.plausibility.handicaps import plain, with_handicap
from spikelearn.plausibility.intervention import Probe

LEAST_RATIO = 0.9


def measure(subject: Subject) -> Finding:
    """Updates that arrive late, each neuron's by a delay of its own."""
    if not subject.learns_below:
        return absent("no hidden layer learns")
    free, late = plain(subject), with_handicap(subject, "late updates")
    ratio = late / free if free else float("nan")
    probes = [Probe("accuracy", "in time", 0.0, 0, free), Probe("accuracy", "late", 1.0, 0, late)]
    return Finding(
        ratio, f"{ratio:.2f} of accuracy", "time", None, ratio >= LEAST_RATIO,
        f"With each neuron's update 0 to 4 updates late, accuracy is {late:.2f} instead of"
        f" {free:.2f}.", probes=probes,
    )  # fmt: skip


CRITERION = Criterion(
    "C11",
    "tolerance to timing",
    "Learning does not need all neurons to change at one moment.",
    "Lillicrap et al. 2020, doi:10.1038/s41583-020-0277-3",
    "Training on 8 x 8 digits, in which every neuron's update arrives late by a delay of 0 to 4"
    " updates that is drawn for it anew each time. What a disturbed schedule does within an update"
    " is in the map of equivalences.",
    f"accuracy at least {LEAST_RATIO:g} of that without delays",
    "Delays of this length cost little where updates of successive batches are much alike.",
    measure,
    alone="What counts is accuracy after learning, and no tag tells that.",
)
