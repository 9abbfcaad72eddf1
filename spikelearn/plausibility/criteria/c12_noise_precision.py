"""C12: tolerance to noise and precision."""

from __future__ import annotations

from spikelearn.plausibility.audited_rule import Subject
from spikelearn.plausibility.criteria._criterion import Criterion, Finding, absent
from spikelearn.plausibility.handicaps import plain, with_handicap
from spikelearn.plausibility.intervention import Probe

LEAST_RATIO = 0.9


def measure(subject: Subject) -> Finding:
    """Weights that fluctuate, and weights of few bits."""
    if not subject.learns_below:
        return absent("no hidden layer learns")
    free = plain(subject)
    names = ("weight noise", "6 bits", "4 bits")
    found = {name: with_handicap(subject, name) for name in names}
    ratio = min(found["weight noise"], found["6 bits"]) / free if free else float("nan")
    probes = [Probe("accuracy", "exact", 0.0, 0, free)]
    probes += [Probe("accuracy", name, 1.0, 0, value) for name, value in found.items()]
    said = ", ".join(f"{value:.2f} with {name}" for name, value in found.items())
    return Finding(
        ratio, f"{ratio:.2f} of accuracy", "synapse", None, ratio >= LEAST_RATIO,
        f"Accuracy {free:.2f}; {said}.", probes=probes,
    )  # fmt: skip


CRITERION = Criterion(
    "C12",
    "tolerance to noise and precision",
    "Learning withstands synapses that fluctuate and that hold few bits.",
    "Bartol et al. 2015, doi:10.7554/eLife.10778 (synapses of 4.7 bits)",
    "Training on 8 x 8 digits with weights that are multiplied by 1 + 0.1 xi, drawn anew for every"
    " update; and with weights rounded at random to 6 bits, and to 4, after every step.",
    f"accuracy with noise and with 6 bits at least {LEAST_RATIO:g} of that without",
    "Synapses of the hippocampus were measured to hold 4.7 bits; 4 is reported and not asked for.",
    measure,
    alone="What counts is accuracy after learning, and no tag tells that.",
)
