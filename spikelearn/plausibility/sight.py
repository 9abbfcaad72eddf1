"""What an audit cannot see of a rule, and which verdicts stand all the same.

The instruments act and look where torch carries out operations. Where numbers that the stimulus,
the labels, noise or weights move come into an update from elsewhere (`unseen_numbers.py`), tags
have ended on the way, and a forward pass that was computed there has not been held while weights
were changed. What rests on that is not told; what a change from end to end shows (other labels,
other weights without an effect) is.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal

import torch

from spikelearn.plausibility.criterion import Finding, untold
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate, effect
from spikelearn.plausibility.instruments.unseen_numbers import (
    NUMBER,
    Arrival,
    UnseenNumbers,
    moved_arrivals,
)

# When a verdict of intervention alone stands though the rule computes out of sight.
Stands = Literal["always", "if activity is seen", "if activity and labels are seen", "never"]
ALWAYS: Stands = "always"
ACTIVITY_SEEN: Stands = "if activity is seen"
LABELS_SEEN: Stands = "if activity and labels are seen"
NEVER: Stands = "never"
_MOVERS = ("stimulus", "label", "noise", "weights")
_WORDS = {"stimulus": "the stimulus", "label": "the labels", "noise": "noise",
          "weights": "the weights"}  # fmt: skip
NEEDED = (
    "What would be needed: the whole update in torch's operations, and the forward pass through"
    " `layer.drive` or products with the layers' weights."
)


class Sight:
    """What of an update is out of sight.

    Parameters
    ----------
    update : RepeatedUpdate
    hidden : sequence of str
        Parameters of hidden layers that learn.

    Attributes
    ----------
    moved_by : frozenset of str
        What moves the numbers that come from out of sight and reach the hidden layers' updates:
        of "stimulus", "label", "noise", "weights".
    arrivals : list of Arrival
        These numbers, by the first of each line of code.
    unread : list of str
        Layers whose weights move the updates below them, though no reading of them by activity was
        seen.
    """

    def __init__(self, update: RepeatedUpdate, hidden: list[str]) -> None:
        self.moved_by: frozenset[str] = frozenset()
        self.arrivals: list[Arrival] = []
        gathered = {
            name: outcome.observer.unseen
            for name, outcome in update.variations.items()
            if outcome.observer.unseen is not None
        }
        base = gathered.pop("nothing")
        moved = moved_arrivals(base, {name: gathered[name] for name in _MOVERS})
        if moved:
            observer = OperationObserver(tags=True, unseen=UnseenNumbers(moved))
            traced = update.run(observer)
            reached = frozenset().union(*(traced.sources(n) for n in hidden))
            self.moved_by = frozenset(m for m in _MOVERS if f"unseen {m}" in reached)
            places: dict[str, Arrival] = {}
            for number, movers in moved.items():
                if movers & self.moved_by:
                    places.setdefault(base.arrivals[number].place, base.arrivals[number])
            self.arrivals = list(places.values()) if self.moved_by else []
        self.unread = _unread(update, hidden)

    @property
    def activity(self) -> bool:
        """Whether activity may be computed out of sight."""
        return bool(self.moved_by & {"stimulus", "noise"} or self.unread)

    def shows(self, stands: Stands, met: bool) -> bool:
        """Whether a verdict of intervention alone stands.

        Parameters
        ----------
        stands : {ALWAYS, ACTIVITY_SEEN, LABELS_SEEN, NEVER}
            When it does.
        met : bool
            The verdict. What copies of the weights do that came back from out of sight changed is
            not seen to be activity.
        """
        if stands in (ALWAYS, NEVER):
            return stands == ALWAYS
        copies = "weights" in self.moved_by and any(a.kind != NUMBER for a in self.arrivals)
        labels = "label" in self.moved_by and stands == LABELS_SEEN
        return not (self.activity or labels or (met and copies))

    @property
    def sentence(self) -> str:
        """What is out of sight; nothing, if all is in sight."""
        said = []
        if self.moved_by:
            movers = [_WORDS[m] for m in _MOVERS if m in self.moved_by]
            kinds = sorted({a.kind for a in self.arrivals})
            places = [a.place for a in self.arrivals if a.place]
            at = f", at {'; '.join(places[:3])}" if places else ""
            said.append(
                "The rule computes where the audit cannot look: numbers that change with"
                f" {_listed(movers)} come into its update as {_listed(kinds)}{at}."
            )
        if self.unread:
            said.append(
                f"No reading of the weights of {_listed(self.unread)} by activity was seen, though"
                " they move the updates below."
            )
        return " ".join(said)


def _unread(update: RepeatedUpdate, hidden: list[str]) -> list[str]:
    """Layers above one that learns that no activity was seen to pass, and that matter."""
    seen: set[str] = set()
    for read in update.variations["nothing"].reads:
        if read.direction == "forwards":
            seen |= read.owners
    names = update.weight_names()
    layers = list(update.weights(update.network()))
    unread = []
    for m, layer in enumerate(layers):
        if layer in seen:
            continue
        below = [n for n in names[:m] if n in hidden]
        nothing = update.variations["nothing"].updates

        def change(observer: OperationObserver, weights: list[torch.Tensor], m: int = m) -> None:
            observer.change(weights[m].detach(), 1.5 * weights[m].detach())

        if below and effect(update.run(intervene=change).updates, nothing, below) > 0:
            unread.append(layer)
    return unread


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


Measure = Callable[[Any], Finding]  # of an AuditedRule


def within_sight(
    met: Stands | Callable[[Any], Stands], not_met: Stands
) -> Callable[[Measure], Measure]:
    """Of a criterion's `measure`: say what stands where the rule computes out of sight.

    Parameters
    ----------
    met : {ALWAYS, ACTIVITY_SEEN, LABELS_SEEN, NEVER}, or callable
        When intervention alone shows that the criterion is met; a callable is given the rule under
        audit.
    not_met : {ALWAYS, ACTIVITY_SEEN, LABELS_SEEN, NEVER}
        When it shows that it is not.
    """

    def decorate(measure: Measure) -> Measure:
        @functools.wraps(measure)
        def measured(audited: Any) -> Finding:
            finding = measure(audited)
            unseen = audited.out_of_sight if finding.applies else ""
            if not unseen or finding.needed:
                return finding
            said = finding.by_intervention
            stands = NEVER if said is None else (met if said else not_met)
            stands = stands if isinstance(stands, str) else stands(audited)
            if audited.sight.shows(stands, bool(said)):
                sentence = f"{finding.sentence} By intervention alone: {unseen}"
                return dataclasses.replace(finding, by_provenance=None, sentence=sentence)
            return untold(unseen, NEEDED, probes=finding.probes)

        return measured

    return decorate
