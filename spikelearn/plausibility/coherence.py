"""What cannot be true together, among what was measured of one rule.

An instrument can be led round; the rule then shows elsewhere what it denied there. Two kinds of
evidence stand against a criterion that was found to be met: what the rule's updates are, seen from
outside (the exact gradient in a hidden layer; matrices that are the forward weights before anything
was learned), and what another criterion found. What is found is a contradiction, printed as such:
it does not say which of the two is wrong, but that the criterion is not known to be met.

To add one, write a function that yields (criterion, beside, sentence), and add it to `SEARCHES`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from spikelearn.plausibility.criterion import Finding
from spikelearn.plausibility.feedback_copies import Copy, feedback_copies
from spikelearn.plausibility.gradient_match import Match, gradient_matches
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate

# An AuditedRule or AuditedPlasticity; the former makes updates that can be laid beside others.
Audited = Any
Findings = Mapping[str, Finding]
T = TypeVar("T")


class Contradiction(NamedTuple):
    """A criterion that was found to be met, and what cannot be true beside that.

    `beside` is another criterion's key, or what was seen of the rule itself.
    """

    criterion: str
    beside: str
    sentence: str


def coherent(audited: Audited, findings: Findings) -> dict[str, Finding]:
    """The findings, where they contradict one another or the rule with what contradicts them.

    Parameters
    ----------
    audited : AuditedRule or AuditedPlasticity
        Of which they are.
    findings : mapping of str to Finding
        By criterion; of one seed.
    """
    said: dict[str, list[str]] = {}
    for one in contradictions(audited, findings):
        if one.sentence not in findings[one.criterion].contradiction:
            said.setdefault(one.criterion, []).append(one.sentence)
    checked = dict(findings)
    for key, sentences in said.items():
        known = findings[key]
        checked[key] = dataclasses.replace(
            known,
            contradiction=" ".join([*filter(None, [known.contradiction]), *sentences]),
            sentence=f"{known.sentence} But: {' '.join(sentences)}",
        )
    return checked


def contradictions(audited: Audited, findings: Findings) -> list[Contradiction]:
    """Everything that cannot be true beside a criterion that was found to be met.

    Parameters
    ----------
    audited : AuditedRule or AuditedPlasticity
    findings : mapping of str to Finding
        By criterion; of one seed.
    """
    return [
        one
        for search in SEARCHES
        for one in search(audited, findings)
        if one.criterion in findings and findings[one.criterion].met
    ]


def _of_updates(audited: Audited) -> bool:
    return isinstance(getattr(audited, "update", None), RepeatedUpdate)


# --- What the updates are.

# What an exact gradient in a hidden layer needs, by criterion.
_NEEDS = {
    "C1": "needs the weights above",
    "C3": "is made of an error with an entry for each output",
    "C4b": "needs the activity of the layers above",
    "C9": "needs the labels",
}


def _exact_gradient(audited: Audited, findings: Findings) -> Iterator[Contradiction]:
    if not _of_updates(audited) or not audited.learns_below:
        return
    needs = dict(_NEEDS)
    if audited.update.n_steps == 1:
        needs["C4a"] = "needs errors that return, or as many states as it has entries"
        if findings.get("C4c") is not None and findings["C4c"].shown in ("none", "one number"):
            needs["C4c"] = "needs more than one number for each sample"
    if not any(key in findings and findings[key].met for key in needs):
        return
    matches = sorted(
        _once(audited, "gradient matches", gradient_matches), key=lambda m: m.how != "cosine"
    )
    for match in matches[:1]:
        for key, need in needs.items():
            # Signs alone may be right by way of activity that has settled, or of one number.
            if match.how == "cosine" or key in ("C1", "C9"):
                yield Contradiction(key, "gradient", f"{_of_match(match)} That {need}.")


def _of_match(match: Match) -> str:
    what = (
        f"the update lies along backpropagation's gradient (|cosine| {match.least:.6f} or more)"
        if match.how == "cosine"
        else "every element of the update has the sign of backpropagation's gradient"
    )
    since = f"from {'the first batch' if match.first == 1 else f'batch {match.first}'} on"
    before = "the batch before" if match.late == 1 else f"{match.late} batches before"
    late = f" of {before}" if match.late else ""
    sentence = (
        f"In {', '.join(match.parameters)} {what}{late}, {since} ({match.where}; {match.draws}"
        " draws)."
    )
    if not match.always:
        sentence += (
            " Where the weights are drawn from another seed it has not: the rule's random numbers"
            " are those of the weights."
        )
    return sentence


def _copies(audited: Audited, findings: Findings) -> Iterator[Contradiction]:
    if not _of_updates(audited) or "C1" not in findings or not findings["C1"].met:
        return
    for one in _once(audited, "feedback copies", feedback_copies):
        yield Contradiction("C1", "feedback", _of_copy(one))


def _of_copy(one: Copy) -> str:
    sentence = (
        f"Before anything is learned {one.matrix}, which the layers below learn by, correlates with"
        f" the weights of layer {one.layer} by {one.correlation:.2f}, in {one.draws} draws, where"
        f" chance goes to {one.chance:.2f}."
    )
    if not one.always:
        sentence += (
            " Where the weights are drawn from another seed it does not: the rule's random numbers"
            " are those of the weights."
        )
    return sentence


def _once(
    audited: Audited,
    name: str,
    measure: Callable[[RepeatedUpdate, Callable[[int], RepeatedUpdate]], list[T]],
) -> list[T]:
    """Measured of a rule once, however often it is asked for."""

    def remake(seed: int) -> RepeatedUpdate:
        return RepeatedUpdate(audited.rule, seed, audited.update.model, **audited.options)

    if name not in audited.shared:
        audited.shared[name] = measure(audited.update, remake)
    measured: list[T] = audited.shared[name]
    return measured


# --- What other criteria found.


def _labels(audited: Audited, findings: Findings) -> Iterator[Contradiction]:
    """Labels teach, or they do not."""
    if not {"C3", "C9"} <= set(findings):
        return
    rank, labels = findings["C3"], findings["C9"]
    if labels.met and rank.applies and rank.value >= 1:
        yield Contradiction("C9", "C3", f"C3: {rank.sentence}")
    if rank.met and rank.value == 0 and labels.by_intervention is False:
        yield Contradiction("C3", "C9", f"C9: {labels.sentence}")


def _channel(audited: Audited, findings: Findings) -> Iterator[Contradiction]:
    """What carries the teaching signal has room for it."""
    channel = findings.get("C4c")
    if channel is None or not channel.met:
        return
    labels, rank = findings.get("C9"), findings.get("C3")
    if channel.shown == "none" and labels is not None and labels.by_intervention is False:
        yield Contradiction("C4c", "C9", f"C9: {labels.sentence}")
    if channel.shown != "one number" or rank is None or not rank.value > 1:
        return
    # Noise tells synapses apart: with several draws, one number each teaches several dimensions.
    if _of_updates(audited) and not any(d[2] for d in audited.states.drives):
        yield Contradiction("C4c", "C3", f"C3: {rank.sentence}")


def _messages(audited: Audited, findings: Findings) -> Iterator[Contradiction]:
    """A vector of errors that no neuron's activity carries is no message of spikes."""
    if not {"C3", "C4c", "C8"} <= set(findings):
        return
    spikes, channel, rank = findings["C8"], findings["C4c"], findings["C3"]
    # The targets of neurons that are taught themselves come from outside, and are no message.
    if spikes.met and channel.shown == "separate" and rank.value > 1:
        yield Contradiction("C8", "C4c", f"C4c: {channel.sentence}")


SEARCHES = (_exact_gradient, _copies, _labels, _channel, _messages)
