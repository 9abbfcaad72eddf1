"""C13: no weight sharing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plausibility.accuracy_left import accuracy_left, enough, too_little
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.course import COURSES, LEAST, Course, chosen
from spikelearn.plausibility.criterion import Criterion, Finding, absent
from spikelearn.plausibility.short_training import cnn, train
from spikelearn.plausibility.untied import Untied, untied

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

LEAST_RATIO = 0.9
_SHORTEST = Course(n_images=500, epochs=2)


def measure(audited: AuditedRule) -> Finding:
    """The same convolutional network with kernels that are free at every place."""
    if "cnn" not in audited.update.networks:
        if {"latency_cnn", "spiking_cnn"} & set(audited.update.networks):
            return absent("kernels of networks that spike have no untied form here")
        return absent("the rule trains no convolutional network")
    if not audited.learns_below:
        return absent("no hidden layer learns")
    model = cnn()
    course, tied = chosen(
        lambda one: train(audited.update, model=model, **one.settings), (_SHORTEST, *COURSES)
    )
    if not enough(tied):
        return too_little(tied, "Too little was learned with shared kernels.", "layer", "tied")
    try:
        network = untied(model.build(audited.seed))
        free = train(audited.update, network=network, **course.settings)
    except (NotImplementedError, RuntimeError, ValueError, TypeError) as error:
        return absent(f"the rule takes no untied layer ({type(error).__name__})")
    return accuracy_left(
        tied, {"untied": free}, LEAST_RATIO, "layer",
        f"Accuracy {tied.accuracy:.2f} with shared kernels, {free.accuracy:.2f} when every place"
        " has its own.", "tied",
    )  # fmt: skip


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """How many weights are kept for a synapse?"""
    n = audited.equations.numbers.get("w", 0.0)
    return audited.follows(
        n == 1, f"For each synapse {n:g} weight w is kept.", value=n,
        shown=f"{n:g} weight a synapse",
    )  # fmt: skip


CRITERION = Criterion(
    "C13",
    "no weight sharing",
    "Learning does not need one weight to be the same at many places.",
    "Bartunov et al. 2018, arXiv:1807.04587; Pogodin et al. 2021, arXiv:2106.13031",
    "A convolutional network learns 8 x 8 digits; then one whose kernels start equal and are"
    " free at"
    f" every place ({Untied.__name__}), by the same rule on the same images.",
    f"accuracy at least {LEAST_RATIO:g} of that with shared kernels, which is at least {LEAST:g}"
    " times chance",
    "A sum over places is a sum over synapses that have nothing to do with one another.",
    measure,
    alone="What counts is accuracy after learning, and no tag tells that.",
    measure_plasticity=measure_plasticity,
)
