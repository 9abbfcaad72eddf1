"""C1: no weight transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent, interval, untold
from spikelearn.plausibility.instruments.intervention import (
    Held,
    held_probes,
    held_weight_probes,
    summarise,
    weight_probes,
)
from spikelearn.plausibility.sight import ACTIVITY_SEEN, ALWAYS, within_sight

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity


@within_sight(met=ALWAYS, not_met=ACTIVITY_SEEN)
def measure(audited: AuditedRule) -> Finding:
    """Change downstream weights where anything but the synapses reads them."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    magnitude, floor = weight_probes(audited.update, audited.base, "magnitude")
    signs, _ = weight_probes(audited.update, audited.base, "sign")
    by_size, by_sign = summarise(magnitude, floor), summarise(signs, floor)
    audited.shared["sign effect"] = by_sign.largest
    at_once = max(by_size.largest, by_sign.largest) > floor
    marks = _marks(audited)
    shown = f"{by_size.largest:.3f} size, {by_sign.largest:.3f} sign"
    value, probes, later = by_size.largest, magnitude + signs, ""
    if not at_once:
        held = held_probes(audited.several, held_weight_probes)
        probes = probes + held.probes
        if held.seen:
            value, later = held.largest, held.words
            shown = f"{value:.3f} {later}"
            marks |= _marks(audited, held)
    if at_once and by_size.largest <= floor:
        sentence = "The signs of the weights above enter the update; their sizes do not."
    elif at_once:
        sentence = "Sizes and signs of the weights above enter the update."
    elif later:
        sentence = f"The weights above enter the update, {later}."
    else:
        sentence = (
            "The update does not change with the weights above, as far as signals return; nor does"
            f" any of the {audited.in_training.n_updates} that follow one another, nor one"
            f" {audited.as_trained.words}."
        )
    if marks:
        sentence += f" Seen: {', '.join(sorted(marks))}."
    two_way = _own_heads(audited)
    if two_way:
        sentence += f" Within a layer, {', '.join(two_way)} is read both ways."
    free = not at_once and not later
    return Finding(
        value, shown, "-" if free else "network", not marks, free, sentence, probes=probes,
        **interval(by_size),
    )  # fmt: skip


def _marks(audited: AuditedRule, held: Held | None = None) -> set[str]:
    """Weights that were summed over their postsynaptic side, or read one by one, for updates below.

    Parameters
    ----------
    audited : AuditedRule
    held : Held, optional
        Other updates, in which the weights had an effect.
    """
    recurrent, n = audited.update.recurrent(), len(audited.update.weight_names())
    marks: set[str] = set()
    for index in range(n - 1):
        above = {f"backwards layer {m + 1}" for m in range(index + (index not in recurrent), n)}
        if held is None:  # weights that came down otherwise than by being summed with a signal
            above |= {f"layer {m + 1}" for m in range(index + 1, n)}
        names = [k for k in audited.hidden if audited.update.layer_of[k] == index]
        tags = [audited.sources_of(k) for k in names] if held is None else [held.tags([index])]
        marks |= above & frozenset().union(*tags)
    return marks


def _own_heads(audited: AuditedRule) -> list[str]:
    ways: dict[str, set[str]] = {}
    for read in audited.trace.reads:
        for owner in read.owners:
            if owner.startswith("extra."):
                ways.setdefault(owner, set()).add(read.direction)
    return sorted(name for name, directions in ways.items() if len(directions) == 2)


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Change the weights above while the network spikes."""
    (probes, moved), floor = audited.above, audited.floor
    summary = summarise(probes, floor)
    free = summary.largest <= floor
    foreign = audited.variables["elsewhere"]
    told = (
        f"Other weights above, by which neurons there spike otherwise in {moved} of {len(probes)}"
        f" runs, change what is learned by {summary.largest:.3g} of its size. The equations of a"
        f" weight read {audited.equations.reads}."
    )
    if free and not moved:
        return untold(told, "Needed: weights above that change what neurons there do.",
                      probes=probes)  # fmt: skip
    return Finding(
        summary.largest, f"{summary.largest:.3f} size and sign",
        "-" if free and not foreign else "network", not foreign, free, told,
        summary.lower, summary.upper, floor, probes=probes,
    )  # fmt: skip


CRITERION = Criterion(
    "C1",
    "no weight transport",
    "What a synapse learns does not depend on the strength of other synapses, further up, that"
    " signals would have to pass against their direction.",
    "Grossberg 1987, doi:10.1111/j.1551-6708.1987.tb00862.x; Crick 1989, doi:10.1038/337129a0",
    "Weights of each layer are multiplied by exp(m xi), xi normal, m = 0.1, 0.3, 1, and in turn"
    " their signs are flipped; synapses go on with the weights as they were, so that forward"
    " activity stays, and whatever else reads the weights reads them changed, copies made while"
    " the rule was prepared included. Read: the updates of the layers below, weights and biases."
    " Where they do not answer, the weights are kept changed through several updates with real"
    " steps between them, two epochs and more; and in updates as training runs make them, in 32"
    " bits, larger batches and a wider network, after an epoch. The weights go the way of the"
    " unchanged updates, so that what is left is what the rule itself has carried on. Provenance:"
    " whether these updates carry the mark of weights that were summed over their postsynaptic"
    " side.",
    "effect not above the noise floor (0)",
    "Transport is exact or it is none: common random numbers make an update that does not read the"
    " weights the same to the last bit.",
    measure,
    "no weight transport",
    measure_plasticity=measure_plasticity,
)
