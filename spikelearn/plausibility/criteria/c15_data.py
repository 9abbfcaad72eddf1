"""C15: no data that a brain cannot get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent
from spikelearn.plausibility.instruments.intervention import Probe
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.repeated_update import Outcome
from spikelearn.plausibility.sight import ALWAYS, LABELS_SEEN, within_sight

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity


@within_sight(met=LABELS_SEEN, not_met=ALWAYS)
def measure(audited: AuditedRule) -> Finding:
    """Is the network shown the stimulus, and nothing else?"""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    update = audited.update
    other_label = (update.y + 1) % update.n_classes
    entering = _entering(update.run(OperationObserver(keep_reads=True)))
    other = _entering(update.run(OperationObserver(keep_reads=True), y=other_label))
    by_tags = [audited.trace.observer.sources.of(r.tags) for r in audited.trace.reads
               if r.direction == "forwards" and "layer 1" in r.owners]  # fmt: skip
    label_tags = any({"label", "label as one number"} & names for names in by_tags)
    # Where neurons of the first layer hear one another, noise of their own comes back to them.
    closed = not (update.spikes or update.recurrent())
    noise_tags = closed and any("noise" in names for names in by_tags)
    labelled = len(entering) == len(other) and any(
        a.shape == b.shape and not torch.equal(a, b) for a, b in zip(entering, other, strict=True)
    )
    patterns = closed and any(_foreign(rows, update.x) for rows in entering)
    parts = []
    if labelled:
        parts.append("inputs that the label has changed")
    if patterns:
        parts.append("inputs that are no stimulus of the batch")
    own = sorted(update.patterns)
    if own:
        parts.append(f"patterns of the rule's own, sent through {', '.join(own)}")
    sentence = f"The network is shown {' and '.join(parts) if parts else 'the stimuli alone'}."
    contrast = any(drive[1] and drive[2] for drive in audited.states.drives)
    if contrast:
        sentence += (
            " Among the states it learns from are some with a label that is drawn: negatives."
        )
    other_data = labelled or patterns or contrast or bool(own)
    probes = [Probe(name, "input", 1.0, 0, float(on)) for name, on in (
        ("label in the input", labelled), ("other patterns", patterns), ("negatives", contrast),
        ("patterns through synapses", bool(own)),
    )]  # fmt: skip
    tags_pass = not (label_tags or noise_tags or own or _label_from_below(audited))
    return Finding(
        float(other_data), "other data" if other_data else "stimuli",
        "network" if other_data else "-", tags_pass, not other_data, sentence, probes=probes,
    )  # fmt: skip


def _entering(outcome: Outcome) -> list[torch.Tensor]:
    """What the first layer was shown."""
    return [
        (torch.view_as_real(r.signal) if r.signal.is_complex() else r.signal)
        for r in outcome.reads
        if r.direction == "forwards" and r.owners == {"layer 1"}
    ]


def _foreign(rows: torch.Tensor, x: torch.Tensor) -> bool:
    """Whether some row points elsewhere than every stimulus of the batch."""
    rows, x = rows.reshape(len(rows), -1), x.reshape(len(x), -1)
    if rows.shape[1] != x.shape[1]:
        return False
    unit = torch.nn.functional.normalize
    near = (unit(rows) @ unit(x).T).abs().max(1).values
    shown = rows.abs().sum(1) > 0
    return bool((near[shown] < 1 - 1e-9).any())


def _label_from_below(audited: AuditedRule) -> bool:
    """Whether labels are in the activity though no synapse has carried them down to it."""
    sources = audited.trace.observer.sources
    taught = {"label", "label as one number"}
    returned = any(
        taught & sources.of(read.tags)
        and (read.direction == "backwards" or any(o.startswith("extra.") for o in read.owners))
        for read in audited.trace.reads
    )
    return audited.states.label_in_activity_by_tags and not returned


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """What do the equations write? The network is given its input spikes, and nothing else."""
    equations = audited.equations
    written = ", ".join(sorted(equations.writes)) or "nothing"
    return audited.follows(
        all(name.endswith("_post") for name in equations.writes),
        f"Beside what the synapse keeps they write {written}, by which a"
        " weight acts on its neuron: no input and no spike is made by the rule.",
        value=0.0, shown="stimuli",
    )  # fmt: skip


CRITERION = Criterion(
    "C15",
    "no data that a brain cannot get",
    "Learning needs stimuli, and what follows from them; no wrong labels joined to images, no"
    " labels"
    " painted into them, no inputs that the rule makes up.",
    "Hinton 2022, arXiv:2212.13345",
    "What enters the first layer in one update is compared with the stimuli of the batch, and with"
    " what enters under another label; and it is asked whether among the states that hidden layers"
    " learn from are some with a label that was drawn, and whether patterns that are no activity"
    " are sent through the synapses of any layer. Provenance: the tags of what enters.",
    "stimuli alone",
    "What is not there in the world must be made by something.",
    measure,
    measure_plasticity=measure_plasticity,
)
