"""C6: online learning, one sample at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from spikelearn.plausibility.accuracy_left import accuracy_left, too_little
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.course import LEAST
from spikelearn.plausibility.criteria.c02_locality import mixing as mixing_of
from spikelearn.plausibility.criterion import Criterion, Finding, absent
from spikelearn.plausibility.handicaps import one_by_one
from spikelearn.plausibility.instruments.equation_variables import MOMENTS
from spikelearn.plausibility.instruments.intervention import Probe
from spikelearn.plausibility.instruments.kept_samples import learned_again
from spikelearn.plausibility.short_training import BATCH

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

LEAST_RATIO = 0.9


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
    again = learned_again(update)
    probes = [Probe("other samples", "batch", 1.0, 0, mixing)]
    if again is not None:
        probes.append(Probe("samples seen before", "batch before", 1.0, 0, again))
    if not (finite and learns) or mixing or again:
        return _not_alone(learns, finite, mixing, again or 0.0, probes)
    course, whole, single = one_by_one(audited)
    shown = f"{course.n_shown} images shown"
    if single is None:
        found = too_little(
            whole, f"In batches of {BATCH}, with {shown}, too little was learned to compare.",
            "-", f"in batches of {BATCH}",
        )  # fmt: skip
    else:
        found = accuracy_left(
            whole, {"one by one": single}, LEAST_RATIO, "-",
            f"With {shown}, accuracy is {single.accuracy:.2f} one by one and {whole.accuracy:.2f}"
            f" in batches of {BATCH}.", f"batches of {BATCH}",
        )  # fmt: skip
    return replace(found, probes=[*probes, *found.probes])


def _not_alone(
    learns: bool, finite: bool, mixing: float, again: float, probes: list[Probe]
) -> Finding:
    """The finding where samples are needed beside others, however well the rule learns.

    Parameters
    ----------
    learns, finite : bool
        Whether there is an update by one sample, and it is finite.
    mixing, again : float
        Of the effect: between samples of a batch, and of samples seen before.
    probes : list of Probe
    """
    said = []
    if not learns:
        said.append("A sample alone teaches the hidden layers nothing.")
    if not finite:
        said.append("The update by a sample alone is not finite.")
    if mixing:
        said.append(
            f"Samples of a batch are compared with one another ({mixing:.2f} of the effect)."
        )
    if again:
        said.append(
            "A sample that was seen before is passed through the synapses again with the next"
            f" ({again:.2f} of what it changes depends on the weights as they are by then)."
        )
    size = max(mixing, again)
    shown = f"{size:.2f} of the effect mixed" if size else "no update"
    return Finding(size, shown, "batch", None, False, " ".join(said), probes=probes)


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
    " whether the sample before is passed through the synapses again; and the accuracy on 8 x 8"
    " digits after learning images one by one, at 1/5 of the rate, over that after the same"
    " presentations in batches of 25: as few as teach in batches, from 500 to 10,000.",
    "an update from one sample, no second difference, no sample again, ratio at least"
    f" {LEAST_RATIO:g} where batches teach at least {LEAST:g} times chance",
    "A second difference is exact; the ratio leaves room for the optimiser, whose rate was chosen"
    " for batches.",
    measure,
    alone="What counts is how well it learns one by one, and no tag tells that; that samples"
    " are not mixed is what the second difference measures.",
    measure_plasticity=measure_plasticity,
)
