"""C9: learning without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent, interval
from spikelearn.plausibility.instruments.intervention import summarise
from spikelearn.plausibility.sight import ALWAYS, within_sight

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity


_LABELS = {"label", "label as one number"}


@within_sight(met=ALWAYS, not_met=ALWAYS)
def measure(audited: AuditedRule) -> Finding:
    """Do hidden layers learn otherwise with other labels?"""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    summary = summarise(audited.label_probes, audited.floor)
    labels = audited.sources & _LABELS
    at_once = max(p.effect for p in audited.label_probes if p.quantity == "label") > audited.floor
    later = "" if at_once else audited.later_labels.words
    if later:
        below = range(len(audited.update.weight_names()) - 1)
        labels |= audited.later_labels.tags(below) & _LABELS
    free = not at_once and not later
    if free:
        sentence = (
            "The hidden layers learn the same whatever the labels are, this batch's and those of"
            f" batches before, and also {audited.as_trained.words}."
        )
    else:
        where = f", {later}" if later else ""
        sentence = (
            f"Other labels change the hidden layers' update by {summary.largest:.2f} of its"
            f" size{where}."
        )
    if labels and free:
        sentence += " The label reaches the update by a way that had no effect here."
    return Finding(
        summary.largest, f"{summary.largest:.3f}", "-" if free else "network", not labels, free,
        sentence, probes=list(audited.label_probes), **interval(summary),
    )  # fmt: skip


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Give other rewards, where the rule knows rewards; what else could a label come by?"""
    equations, probes = audited.equations, audited.reward_probes
    if not (audited.taught or probes):
        return audited.follows(
            True, f"Nothing that they read, {equations.reads}, comes from a"
            " label or a reward.", value=0.0, shown="no label",
        )  # fmt: skip
    summary = summarise(probes, audited.floor)
    free = not summary.largest > audited.floor
    return Finding(
        summary.largest, f"{summary.largest:.3f}", "-" if free else "network", not audited.taught,
        free, f"Other rewards change what is learned by up to {summary.largest:.2f} of its size."
        f" The equations of a weight read {equations.reads}.", probes=probes, **interval(summary),
    )  # fmt: skip


CRITERION = Criterion(
    "C9",
    "unsupervised",
    "Hidden layers learn from stimuli alone.",
    "Zador 2019, doi:10.1038/s41467-019-11786-6",
    "The labels of a share of the batch (the magnitude) are replaced by others, in a phase of"
    " training in which hidden layers learn. Where this has no effect, so are those of several"
    " batches that follow one another, one of which is shown twice, and those of a training run"
    " after an epoch. Read: the updates of hidden layers, weights and biases. Provenance: whether"
    " the label is among the sources of the updates. Whether what was learned is worth anything is"
    " asked by the random-features control of the accuracy tables.",
    "no effect, no tag",
    "An update that never saw the label is the same to the last bit.",
    measure,
    "unsupervised",
    measure_plasticity=measure_plasticity,
)
