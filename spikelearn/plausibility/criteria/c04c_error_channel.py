"""C4c: no separate error channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria.c03_teaching_rank import directions
from spikelearn.plausibility.criterion import Criterion, Finding, absent, untold
from spikelearn.plausibility.sight import ALWAYS, LABELS_SEEN, Stands, within_sight

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity


def _when_met(audited: AuditedRule) -> Stands:
    """That no label reaches the hidden layers is told by other labels alone."""
    return ALWAYS if audited.label_effect <= audited.floor else LABELS_SEEN


@within_sight(met=_when_met, not_met=LABELS_SEEN)
def measure(audited: AuditedRule) -> Finding:
    """Does the label move any activity, or only signals that nothing but plasticity reads?"""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    states = audited.states
    vector = "label" in audited.sources
    taught = audited.label_effect > audited.floor
    number = bool({"label as one number"} & audited.sources) and not vector
    moved = states.label_in_activity
    if not taught:
        channel, sentence = "none", "No label reaches the hidden layers."
    elif moved:
        channel, sentence = "activity", "The label moves the activity that layers send upwards."
    elif number:
        channel, sentence = "one number", "One number for each sample is sent to all synapses."
    else:
        channel = "separate"
        sentence = (
            "Errors are carried by signals that are no neuron's activity: the label changes the"
            " update, and no activity that is sent upwards."
        )
    separate = channel == "separate"
    by_tags = vector and not states.label_in_activity_by_tags
    return Finding(
        float(separate), channel, "network" if separate else "-", not by_tags, not separate,
        sentence, probes=list(audited.label_probes),
    )  # fmt: skip


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Change rewards: is what they teach one number for all? Nothing else could carry an error."""
    equations, foreign = audited.equations, audited.variables["elsewhere"]
    probes = audited.reward_probes
    if not (audited.taught or probes):
        return audited.follows(
            True, f"Nothing that they read, {equations.reads}, is an error, a"
            " label or a reward.", value=0.0, shown="none",
        )  # fmt: skip
    rank = directions(audited.reward_changes) if probes else 0
    effect = max((p.effect for p in probes), default=0.0)
    sentence = (
        f"Other rewards change what is learned by up to {effect:.2f} of its size, in {rank}"
        f" direction{'s' if rank != 1 else ''}. The equations of a weight read {equations.reads}."
    )
    if effect <= audited.floor:
        return untold(sentence, "Needed: rewards that have an effect here.", probes=probes)
    return Finding(
        float(rank > 1), "one number" if rank == 1 else "separate", "network", not foreign,
        rank <= 1, sentence, probes=probes,
    )  # fmt: skip


CRITERION = Criterion(
    "C4c",
    "no separate error channel",
    "Teaching signals are part of the activity that neurons send, or one number for all; there is"
    " no second network for errors beside the first.",
    "Whittington & Bogacz 2019, doi:10.1016/j.tics.2018.12.005; Sacramento et al. 2018,"
    " arXiv:1810.11393",
    "The update is made with other labels. Where the hidden layers' updates change, and the"
    " activity that hidden layers send upwards does not at any time in the update, what taught"
    " them is a"
    " signal that is nobody's activity. Provenance: whether the label, wider than one number for"
    " each sample, is in the updates but not in the activity sent upwards.",
    "no such signal",
    "A signal that no neuron's output shows needs wires of its own.",
    measure,
    "local error",
    measure_plasticity=measure_plasticity,
)
