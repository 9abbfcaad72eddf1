"""C12: tolerance to noise and precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent, untold
from spikelearn.plausibility.handicaps import plain, with_handicap
from spikelearn.plausibility.instruments.intervention import Probe

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

LEAST_RATIO = 0.9


def measure(audited: AuditedRule) -> Finding:
    """Weights that fluctuate, and weights of few bits."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    free = plain(audited)
    names = ("weight noise", "6 bits", "4 bits")
    accuracies = {name: with_handicap(audited, name) for name in names}
    ratio = min(accuracies["weight noise"], accuracies["6 bits"]) / free if free else float("nan")
    probes = [Probe("accuracy", "exact", 0.0, 0, free)]
    probes += [Probe("accuracy", name, 1.0, 0, value) for name, value in accuracies.items()]
    listed = ", ".join(f"{value:.2f} with {name}" for name, value in accuracies.items())
    return Finding(
        ratio, f"{ratio:.2f} of accuracy", "synapse", None, ratio >= LEAST_RATIO,
        f"Accuracy {free:.2f}; {listed}.", probes=probes,
    )  # fmt: skip


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """How well it learns is not seen in one stimulus."""
    return untold(
        f"Plasticity in spikes is measured on one stimulus of {audited.duration_ms:.0f} ms, which"
        " gives no accuracy.",
        "Needed: a network that learns to tell classes by it, with weights that fluctuate, and with"
        " weights of 6 bits.",
    )


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
    measure_plasticity=measure_plasticity,
)
