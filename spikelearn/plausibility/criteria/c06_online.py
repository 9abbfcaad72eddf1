"""C6: online learning, one sample at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria.c02_locality import mixing as mixing_of
from spikelearn.plausibility.criterion import Criterion, Finding, absent
from spikelearn.plausibility.handicaps import with_handicap
from spikelearn.plausibility.instruments.equation_variables import MOMENTS
from spikelearn.plausibility.instruments.intervention import Probe

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

LEAST_RATIO, LEAST_ACCURACY = 0.9, 0.3


def measure(audited: AuditedRule) -> Finding:
    """A batch of one: is there an update, does a batch only add up, does it still learn?"""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    update = audited.update
    alone = update.run(x=update.x[:1], y=update.y[:1]).updates
    names = [n for n in audited.hidden if n in alone]
    finite = all(bool(torch.isfinite(alone[n]).all()) for n in names)
    learns = bool(names) and any(bool(alone[n].any()) for n in names)
    mixing = mixing_of(audited)
    single = with_handicap(audited, "one sample at a time")
    whole = with_handicap(audited, "batches of the same images")
    ratio = single / whole if whole else float("nan")
    # Where batches have taught next to nothing yet, a ratio of it says nothing.
    compared = whole >= LEAST_ACCURACY
    good = finite and learns and mixing == 0 and (ratio >= LEAST_RATIO or not compared)
    sentence = f"Accuracy {single:.2f} one by one, {whole:.2f} in batches of 25."
    if not compared:
        sentence += " Too little was learned in either to compare."
    if mixing:
        sentence += (
            f" Samples of a batch are compared with one another ({mixing:.2f} of the effect)."
        )
    if not learns:
        sentence += " A sample alone teaches the hidden layers nothing."
    probes = [
        Probe("other samples", "batch", 1.0, 0, mixing),
        Probe("accuracy", "one by one", 1.0, 0, single),
        Probe("accuracy", "batches of 25", 1.0, 0, whole),
    ]
    return Finding(
        ratio, f"{ratio:.2f} of accuracy", "batch" if mixing or not learns else "-", None, good,
        sentence, probes=probes,
    )  # fmt: skip


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """When do the equations change weights?"""
    equations = audited.equations
    at = " and ".join(MOMENTS[m] for m in equations.moments)
    return audited.follows(
        True, f"Weights change {at}, by the one stimulus that is there.",
        value=1.0, shown="at once",
    )  # fmt: skip


CRITERION = Criterion(
    "C6",
    "online, batch of one",
    "A sample can be learned from when it comes, and is not needed again beside others.",
    "Lillicrap et al. 2020, doi:10.1038/s41583-020-0277-3",
    "One update on one sample; the second difference of an update by two samples of a batch;"
    " and the"
    " accuracy on 8 x 8 digits after learning 250 images one by one, twice, at 1/5 of the rate,"
    " over that after the same presentations in batches of 25.",
    f"an update from one sample, no second difference, ratio at least {LEAST_RATIO:g}",
    "A second difference is exact; the ratio leaves room for the optimiser, whose rate was chosen"
    " for batches.",
    measure,
    alone="What counts is how well it learns one by one, and no tag tells that; that samples"
    " are not mixed is what the second difference measures.",
    measure_plasticity=measure_plasticity,
)
