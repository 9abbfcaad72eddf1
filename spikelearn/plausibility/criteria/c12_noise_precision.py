"""C12: tolerance to noise and precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plausibility.accuracy_left import accuracy_left, enough, too_little
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.course import LEAST
from spikelearn.plausibility.criterion import Criterion, Finding, absent, untold
from spikelearn.plausibility.handicaps import run_of

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

LEAST_RATIO = 0.9


def measure(audited: AuditedRule) -> Finding:
    """Weights that fluctuate, and weights of few bits."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    free = run_of(audited)
    if not enough(free):
        return too_little(free, "Too little was learned to ask what noise costs.", "synapse")
    judged = {name: run_of(audited, name) for name in ("weight noise", "6 bits")}
    others = {"4 bits": run_of(audited, "4 bits")}
    listed = ", ".join(
        f"{run.accuracy:.2f} with {name}" for name, run in {**judged, **others}.items()
    )
    return accuracy_left(
        free, judged, LEAST_RATIO, "synapse", f"Accuracy {free.accuracy:.2f}; {listed}.", "exact",
        others,
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
    f"accuracy with noise and with 6 bits at least {LEAST_RATIO:g} of that without, which is at"
    f" least {LEAST:g} times chance",
    "Synapses of the hippocampus were measured to hold 4.7 bits; 4 is reported and not asked for.",
    measure,
    alone="What counts is accuracy after learning, and no tag tells that.",
    measure_plasticity=measure_plasticity,
)
