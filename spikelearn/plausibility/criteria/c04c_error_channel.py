"""C4c: no separate error channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria.c03_teaching_rank import directions
from spikelearn.plausibility.criterion import Criterion, Finding, absent, untold
from spikelearn.plausibility.sight import ALWAYS, LABELS_SEEN, Stands, within_sight

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

# A state and its opposite, beside the one between them, give one number that goes to all synapses.
MOST_COMPARED = 2


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
    if taught and not states.drives:
        return untold(
            "Other labels change the hidden layers' update; but no activity was seen that passes"
            " forwards through synapses of the hidden layers and could be laid beside what it was"
            " with the labels as they were.",
            "A forward pass that reads the network's weights in torch, in the same order whatever"
            " the labels are, would tell.",
            probes=list(audited.label_probes),
        )
    number = bool({"label as one number"} & audited.sources) and not vector
    moved = states.label_in_activity
    # States that no noise tells apart: a synapse hears the number of its own by an address.
    still = [states.copies.get(drive, 1) for drive in states.drives if not drive[2]]
    apart = max(max(still, default=1) - 1, states.tried_weights)
    apart = apart if apart > MOST_COMPARED else 0
    if not taught:
        channel, sentence = "none", "No label reaches the hidden layers."
    elif moved:
        channel, sentence = "activity", "The label moves the activity that layers send upwards."
    elif number and apart:
        channel = "separate"
        sentence = (
            f"Of each of {apart + 1} states of the network one number for each sample is kept, and"
            " they are dealt out to synapses one by one: together they are a vector of errors that"
            " no neuron's activity carries."
        )
    elif number:
        channel, sentence = "one number", "One number for each sample is sent to all synapses."
    else:
        channel = "separate"
        sentence = (
            "Errors are carried by signals that are no neuron's activity: the label changes the"
            " update, and no activity that is sent upwards."
        )
    separate = channel == "separate"
    by_tags = (vector or (separate and number)) and not states.label_in_activity_by_tags
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
    " signal that is nobody's activity; and so are many single numbers, one for each of the states"
    " that the network is put into without noise. Provenance: whether the label, wider than one"
    " number for each sample, or as many such numbers, is in the updates but not in the activity"
    " sent upwards.",
    "no such signal",
    "A signal that no neuron's output shows needs wires of its own.",
    measure,
    "local error",
    measure_plasticity=measure_plasticity,
)
