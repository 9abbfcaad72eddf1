"""C3: no global error vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent, interval
from spikelearn.plausibility.instruments.in_training import SeveralUpdates
from spikelearn.plausibility.instruments.intervention import Probe, summarise
from spikelearn.plausibility.sight import ALWAYS, within_sight
from spikelearn.rules.rule import Rule

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

_SHIFTS = (0.1, 0.3, 1.0)
# Singular values below this share of the largest are rounding.
TOLERANCE = 1e-6
# The same where numbers have 32 bits; and how many labels are tried there and in later updates.
ROUGH = 1e-2
_MOST_LABELS = 5


@within_sight(met=ALWAYS, not_met=ALWAYS)
def measure(audited: AuditedRule) -> Finding:
    """Vary the error at the output, hidden activity being what it is; how many directions teach?"""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    update = audited.squared
    n = update.n_classes
    # A rule that compares samples with one another is given others, which stay.
    coupled = audited.mixing > 0
    x = update.x if coupled else update.x[:1]
    labels = [torch.tensor([c, *update.y[1 : len(x)].tolist()]) for c in range(n)]
    base = update.run(x=x, y=labels[0])
    size = sum(float(base.updates[name].norm()) for name in audited.hidden if name in base.updates)
    changes: dict[str, list[torch.Tensor]] = {name: [] for name in audited.hidden}
    probes = []

    def note(what: str, magnitude: float, index: int, y: torch.Tensor, after: object) -> None:
        updates = update.run(x=x, y=y, after=after).updates  # type: ignore[arg-type]
        moved = 0.0
        for name, known in changes.items():
            if name in updates and name in base.updates:
                change = (updates[name] - base.updates[name]).flatten()
                known.append(change)
                moved += float(change.norm())
        probes.append(Probe(what, "output", magnitude, index, moved / size if size else 0.0))

    for c in range(1, n):
        note("label", 1.0, c, labels[c], None)
    if not update.spikes and not coupled:
        for c in range(n):
            for shift in _SHIFTS:
                note("score", shift, c, labels[0], _shifted(c, shift))
    rank = max((_rank(known, size) for known in changes.values() if known), default=0)
    later = ""
    if rank <= 1 and audited.label_effect > audited.floor:
        in_later, where = _later_rank(audited, x)
        if in_later > rank:
            rank, later = in_later, f" Seen {where}."
    full = n if not update.spikes and update.squared_error and not coupled else n - 1
    names = audited.sources & {"label", "label as one number"}
    words = {0: "No error at the output reaches the hidden layers.",
             1: "One number for each sample is all that reaches the hidden layers."}  # fmt: skip
    sentence = words.get(
        rank, f"Hidden layers are taught by an error of {min(rank, full)} dimensions, of the"
        f" {full} that can be told apart here."
    )  # fmt: skip
    if rank > full:
        sentence += f" The update moves in {rank}: it is not linear in the error."
    sentence += later
    if rank <= 1 and "label" in names:
        sentence += " By provenance the label enters as more than one number."
    summary = summarise([p for p in probes if p.quantity == "label"], audited.floor)
    return Finding(
        float(rank), str(rank), "network" if rank else "-", "label" not in names, rank <= 1,
        sentence, probes=probes, **interval(summary),
    )  # fmt: skip


def _shifted(index: int, size: float) -> object:
    def shift(rule: Rule) -> None:
        with torch.no_grad():
            list(rule.network)[-1].bias[index] += size

    return shift


def _rank(changes: list[torch.Tensor], size: float) -> int:
    exact = changes[0].dtype == torch.float64
    values = torch.linalg.svdvals(torch.stack(changes).double())
    if float(values[0]) <= (1e-12 if exact else 1e-5) * size:
        return 0
    return int((values > (TOLERANCE if exact else ROUGH) * values[0]).sum())


def _later_rank(audited: AuditedRule, x: torch.Tensor) -> tuple[int, str]:
    """The largest rank in updates that follow one another, and where it was found.

    The label of one sample is varied in every batch, those before included; the network's weights
    go the way of the unchanged updates.
    """
    update = audited.squared
    one = SeveralUpdates(update, 3, [(x, update.y[: len(x)])] * 3, words="from update to update")
    best = (0, "")
    for several in (one, audited.as_trained):
        n = min(several.update.n_classes, _MOST_LABELS)
        changes: dict[tuple[int, str], list[torch.Tensor]] = {}
        sizes = [
            sum(float(o.updates[k].norm()) for k in audited.update.hidden_parameters()
                if k in o.updates) for o in several.base
        ]  # fmt: skip
        for shift in range(1, n):
            labels = {i: _shifted_label(several, i, shift) for i in range(several.n_updates)}
            for i, outcome in enumerate(several.run(labels=labels)):
                known = several.base[i].updates
                for name in several.update.hidden_parameters():
                    if name in known and name in outcome.updates:
                        change = (outcome.updates[name] - known[name]).flatten()
                        changes.setdefault((i, name), []).append(change)
        rank = max((_rank(known, sizes[i]) for (i, _), known in changes.items()), default=0)
        best = max(best, (rank, several.words))
    return best


def _shifted_label(several: SeveralUpdates, index: int, shift: int) -> torch.Tensor:
    y = several.labels(index).clone()
    y[0] = (y[0] + shift) % several.update.n_classes
    return y


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Change what neurons above do, and each of 5 rewards; in how many directions is taught?"""
    (above, moved), rank = audited.above, 0
    if max(p.effect for p in above) > audited.floor:
        turned = [
            {"upper": audited.upper * (1 - 2 * row)} for row in np.eye(audited.upper.shape[1])
        ]
        rank = directions(audited.moved(turned))
    reward = audited.reward_probes
    sentence = (
        f"Neurons above spike otherwise in {moved} of {len(above)} runs, and that teaches in {rank}"
        " directions."
    )
    if reward:
        rank = max(rank, directions(audited.reward_changes))
        sentence += (
            f" Rewards of other sizes change what is learned by up to"
            f" {max(p.effect for p in reward):.2f} of its size; {len(audited.reward_changes)}"
            f" rewards of one moment, changed one by one, teach in {rank}"
            f" direction{'s' if rank != 1 else ''}."
        )
    foreign = audited.variables["elsewhere"] | audited.equations.graded
    return Finding(
        float(rank), str(rank), "network" if rank or audited.taught else "-", not foreign,
        rank <= 1, f"{sentence} The equations of a weight read {audited.equations.reads}.",
        probes=[*above, *reward],
    )  # fmt: skip


def directions(changes: np.ndarray) -> int:
    """In how many directions weights were changed; (changes, ...)."""
    values = np.linalg.svd(changes.reshape(len(changes), -1), compute_uv=False)
    return int((values > TOLERANCE * values[0]).sum()) if values[0] else 0


CRITERION = Criterion(
    "C3",
    "no global error vector",
    "Hidden layers are not taught by a vector with an entry for each output; at most by one number"
    " that is sent to all, as a neuromodulator is.",
    "Lillicrap et al. 2020, doi:10.1038/s41583-020-0277-3; Roelfsema & Holtmaat 2018,"
    " doi:10.1038/nrn.2018.6",
    "One sample. The error at the output is varied by the label and by the biases of the output"
    " layer, which leave hidden activity as it is; the loss is the squared error where the rule has"
    " the choice, since errors of the cross-entropy add up to zero. Read: the rank of the changes"
    " of a hidden layer's update, the largest over layers; where that is at most 1, also in updates"
    " that follow one another, by labels of batches before, and in those of a training run after"
    " an epoch. Provenance: whether the label has passed"
    " through one number for each sample on every way.",
    f"rank at most 1 (singular values above {TOLERANCE:g} of the largest)",
    "Vector feedback has the rank of the outputs whatever carries it; rewards have 1. Whether the"
    " vector comes as activity or by a channel of its own is C4c.",
    measure,
    measure_plasticity=measure_plasticity,
)
