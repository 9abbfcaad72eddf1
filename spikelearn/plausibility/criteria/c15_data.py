"""C15: no data that a brain cannot get."""

from __future__ import annotations

import torch

from spikelearn.plausibility.audited_rule import Subject
from spikelearn.plausibility.criteria._criterion import Criterion, Finding, absent
from spikelearn.plausibility.intervention import Probe
from spikelearn.plausibility.watch import Watch


def measure(subject: Subject) -> Finding:
    """Is the network shown the stimulus, and nothing else?"""
    if not subject.learns_below:
        return absent("no hidden layer learns")
    bench = subject.bench
    entering = _entering(bench.run(Watch(keep_reads=True)).watch)
    other = _entering(bench.run(Watch(keep_reads=True), y=(bench.y + 1) % bench.n_classes).watch)
    by_tags = [subject.trace.outcome.watch.sources.of(r.tags) for r in subject.trace.reads
               if r.direction == "forwards" and "layer 1" in r.owners]  # fmt: skip
    label_tags = any({"label", "label as one number"} & names for names in by_tags)
    # Where neurons of the first layer hear one another, noise of their own comes back to them.
    closed = not (bench.spikes or bench.recurrent())
    noise_tags = closed and any("noise" in names for names in by_tags)
    labelled = len(entering) == len(other) and any(
        a.shape == b.shape and not torch.equal(a, b) for a, b in zip(entering, other, strict=True)
    )
    patterns = closed and any(_foreign(rows, bench.x) for rows in entering)
    parts = []
    if labelled:
        parts.append("inputs that the label has changed")
    if patterns:
        parts.append("inputs that are no stimulus of the batch")
    sentence = f"The network is shown {' and '.join(parts) if parts else 'the stimuli alone'}."
    contrast = any(drive[1] and drive[2] for drive in subject.states.drives)
    if contrast:
        sentence += (
            " Among the states it learns from are some with a label that is drawn: negatives."
        )
    found = labelled or patterns or contrast
    probes = [Probe(name, "input", 1.0, 0, float(on)) for name, on in (
        ("label in the input", labelled), ("other patterns", patterns), ("negatives", contrast),
    )]  # fmt: skip
    tags_pass = not (label_tags or noise_tags or _label_from_below(subject))
    return Finding(
        float(found), "stimuli" if not found else "other data", "network" if found else "-",
        tags_pass, not found, sentence, probes=probes,
    )  # fmt: skip


def _entering(watch: Watch) -> list[torch.Tensor]:
    """What the first layer was shown."""
    return [
        (torch.view_as_real(r.signal) if r.signal.is_complex() else r.signal)
        for r in watch.reads
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


def _label_from_below(subject: Subject) -> bool:
    """Whether labels are in the activity though no synapse has carried them down to it."""
    sources = subject.trace.outcome.watch.sources
    taught = {"label", "label as one number"}
    returned = any(
        taught & sources.of(read.tags)
        and (read.direction == "backwards" or any(o.startswith("extra.") for o in read.owners))
        for read in subject.trace.reads
    )
    return subject.states.label_in_activity_by_tags and not returned


CRITERION = Criterion(
    "C15",
    "no data that a brain cannot get",
    "Learning needs stimuli, and what follows from them; no wrong labels joined to images, no"
    " labels"
    " painted into them, no inputs that the rule makes up.",
    "Hinton 2022, arXiv:2212.13345",
    "What enters the first layer in one update is compared with the stimuli of the batch, and with"
    " what enters under another label; and it is asked whether among the states that hidden layers"
    " learn from are some with a label that was drawn. Provenance: the tags of what enters.",
    "stimuli alone",
    "What is not there in the world must be made by something.",
    measure,
)
