"""C1: no weight transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent, interval, untold
from spikelearn.plausibility.instruments.intervention import summarise, weight_probes

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity


def measure(audited: AuditedRule) -> Finding:
    """Change downstream weights where anything but the synapses reads them."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    magnitude, floor = weight_probes(audited.update, audited.base, "magnitude")
    signs, _ = weight_probes(audited.update, audited.base, "sign")
    by_size, by_sign = summarise(magnitude, floor), summarise(signs, floor)
    audited.shared["sign effect"] = by_sign.largest
    recurrent = audited.update.recurrent()
    marks: set[str] = set()
    for index, name in enumerate(audited.update.weight_names()):
        through_time = [f"backwards layer {index + 1}"] if index in recurrent else []
        read = [t.replace("activity", "backwards") for t in audited.above(name)] + through_time
        marks |= audited.trace.sources(name) & set(read)
    effect = max(by_size.largest, by_sign.largest)
    shown = f"{by_size.largest:.3f} size, {by_sign.largest:.3f} sign"
    if effect <= floor:
        sentence = "The update does not change with the weights above, as far as signals return."
    elif by_size.largest <= floor:
        sentence = "The signs of the weights above enter the update; their sizes do not."
    else:
        sentence = "Sizes and signs of the weights above enter the update."
    if marks:
        sentence += f" Seen: {', '.join(sorted(marks))}."
    two_way = _own_heads(audited)
    if two_way:
        sentence += f" Within a layer, {', '.join(two_way)} is read both ways."
    return Finding(
        by_size.largest, shown, "network" if effect > floor else "-", not marks, effect <= floor,
        sentence, probes=magnitude + signs, **interval(by_size),
    )  # fmt: skip


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
    " the rule was prepared included. Read: the updates of the layers below. Provenance: whether"
    " these updates carry the mark of weights that were summed over their postsynaptic side.",
    "effect not above the noise floor (0)",
    "Transport is exact or it is none: common random numbers make an update that does not read the"
    " weights the same to the last bit.",
    measure,
    "no weight transport",
    measure_plasticity=measure_plasticity,
)
