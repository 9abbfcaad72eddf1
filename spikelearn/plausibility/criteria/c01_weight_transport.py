"""C1: no weight transport."""

from __future__ import annotations

from spikelearn.plausibility.audited_rule import Subject
from spikelearn.plausibility.criteria._criterion import Criterion, Finding, absent, interval
from spikelearn.plausibility.intervention import summarise, weight_probes


def measure(subject: Subject) -> Finding:
    """Change downstream weights where anything but the synapses reads them."""
    if not subject.learns_below:
        return absent("no hidden layer learns")
    magnitude, floor = weight_probes(subject.bench, subject.base, "magnitude")
    signs, _ = weight_probes(subject.bench, subject.base, "sign")
    by_size, by_sign = summarise(magnitude, floor), summarise(signs, floor)
    subject.shared["sign effect"] = by_sign.largest
    recurrent = subject.bench.recurrent()
    marks: set[str] = set()
    for index, name in enumerate(subject.bench.weight_names()):
        own = [f"backwards layer {index + 1}"] if index in recurrent else []
        read = [t.replace("activity", "backwards") for t in subject.above(name)] + own
        marks |= subject.trace.sources(name) & set(read)
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
    two_way = _own_heads(subject)
    if two_way:
        sentence += f" Within a layer, {', '.join(two_way)} is read both ways."
    return Finding(
        by_size.largest, shown, "network" if effect > floor else "-", not marks, effect <= floor,
        sentence, probes=magnitude + signs, **interval(by_size),
    )  # fmt: skip


def _own_heads(subject: Subject) -> list[str]:
    ways: dict[str, set[str]] = {}
    for read in subject.trace.reads:
        for owner in read.owners:
            if owner.startswith("extra."):
                ways.setdefault(owner, set()).add(read.direction)
    return sorted(name for name, found in ways.items() if len(found) == 2)


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
)
