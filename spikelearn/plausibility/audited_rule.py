"""A rule under audit, with what several criteria ask of it measured once."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import cached_property
from typing import Any

from spikelearn._errors import SpikelearnError
from spikelearn._raised import raised_by_user
from spikelearn.plausibility.activity_states import ActivityStates
from spikelearn.plausibility.coherence import coherent
from spikelearn.plausibility.criterion import Criterion, Finding, untold
from spikelearn.plausibility.instruments.audit_code import AuditCode
from spikelearn.plausibility.instruments.in_training import SeveralUpdates
from spikelearn.plausibility.instruments.intervention import (
    Held,
    Probe,
    floor_of,
    held_label_probes,
    held_probes,
    label_probes,
)
from spikelearn.plausibility.instruments.memory import lead_of
from spikelearn.plausibility.instruments.mixing import mixing_of
from spikelearn.plausibility.instruments.outside_updates import outside_updates
from spikelearn.plausibility.instruments.repeated_update import Outcome, RepeatedUpdate
from spikelearn.plausibility.instruments.shadow_memory import NotAlike
from spikelearn.plausibility.instruments.watched import elsewhere
from spikelearn.plausibility.sight import Sight
from spikelearn.plausibility.training_conditions import as_trained
from spikelearn.plausibility.unknown_audit import Unaudited, unaudited

# Fewer steps than the rules' own settings: an audit makes some hundred updates of each rule.
# Blocks of time steps are worked off together in e-prop for speed alone; the update is the same.
SETTINGS: dict[str, dict[str, Any]] = {
    "predictive_coding_mupc": {"n_steps": 8},
    "equilibrium_propagation_holomorphic": {"free_steps": 10},
    "eprop_spiking": {"block_steps": 1},
}
# Criteria that say of single updates what they depend on; and those of them that no rule meets that
# has the exact gradient in a hidden layer.
OF_UPDATES = ("C1", "C2", "C3", "C4a", "C4b", "C4c", "C5", "C9", "C10", "C15")
WITHOUT_GRADIENT = ("C1", "C3", "C4b", "C9")


class AuditedRule:
    """A rule that keeps the contract of `spikelearn.rules.rule`.

    Parameters
    ----------
    rule : str, class or callable
    seed : int
    **options
        Of a shipped rule.
    """

    def __init__(self, rule: Any, seed: int = 0, **options: Any) -> None:
        if isinstance(rule, str):
            options = SETTINGS.get(rule, {}) | options
        self.code = AuditCode()
        self.rule, self.options, self.seed = rule, options, seed
        self.update = RepeatedUpdate(rule, seed, **options)
        self.update.lead = lead_of(self.update)
        self.name, self.claims = self.update.name, self.update.claims
        self.shared: dict[str, Any] = {}
        self.rewritten: list[str] = []

    def finding(self, criterion: Criterion) -> Finding:
        """What a criterion measures of the rule.

        Where the rule makes another update when it is not looked at, or learns where no update is
        looked at, what was seen acquits it of nothing. Where an experiment cannot be made with it,
        that says nothing of it, and nothing of what other criteria ask.
        """
        try:
            return self._found(criterion)
        except NotAlike as error:
            return untold(
                f"An experiment came to no end: {error}.",
                "Needed: as many numbers whatever their values are, such as a product with a mask"
                " in place of a selection by it.",
            )
        except Exception as error:
            said = raised_by_user(error)
            if said is None:
                raise
            return untold(
                f"An experiment came to no end: {said}.",
                "Needed: updates also where what the rule is given, or its network, is changed.",
            )

    def _found(self, criterion: Criterion) -> Finding:
        found = self._measured(criterion)
        self.rewritten += self.code.changed()
        if self.rewritten:
            return untold(
                f"The rule has changed the audit's own code ({', '.join(self.rewritten)}).",
                "It would have to leave that alone.",
            )
        found = coherent(self, {criterion.key: found})[criterion.key]
        if found.met and not found.contradiction:
            watched = self.watched if not criterion.alone and self.learns_below else ""
            said = self.outside_updates or watched or self._where_nobody_audits(criterion.key)
            if said:
                sentence = f"{found.sentence} But: {said}"
                return replace(found, contradiction=said, sentence=sentence)
        return found

    def _measured(self, criterion: Criterion) -> Finding:
        """What it measures of hidden layers; where none learns, see `output_alone.py`."""
        return criterion.measure(self)

    @cached_property
    def output_alone(self) -> bool:
        """Whether the output layer is updated, and no hidden layer is."""
        last = self.base.updates.get(self.update.weight_names()[-1])
        return not self.learns_below and last is not None and bool(last.any())

    def _where_nobody_audits(self, key: str) -> str:
        """What speaks against a criterion in training without an audit; empty if nothing does."""
        if key not in OF_UPDATES:
            return ""
        seen = self.unaudited
        return seen.otherwise or (seen.along if key in WITHOUT_GRADIENT else "")

    @cached_property
    def unaudited(self) -> Unaudited:
        """What the rule does in training, where nobody audits it."""
        return unaudited(self.update, self.rule, self.options)

    @cached_property
    def outside_updates(self) -> str:
        """What the rule does where no update is looked at; empty if nothing was found."""
        return outside_updates(self.update)

    @cached_property
    def base(self) -> Outcome:
        """One update, with nothing changed."""
        self.update.recognises = bool(self.update.variations["nothing"].observer.recognised)
        return self.update.run()

    @cached_property
    def floor(self) -> float:
        """Effect of changing nothing."""
        return floor_of(self.update, self.base)

    @cached_property
    def trace(self) -> Outcome:
        """The same update, with tags and reads."""
        return self.update.traced()

    @cached_property
    def hidden(self) -> list[str]:
        """Parameters of the hidden layers that were updated: weights and biases."""
        names = self.update.hidden_parameters()
        return [n for n in names if n in self.base.updates and self.base.updates[n].any()]

    @property
    def hidden_weights(self) -> list[str]:
        """The weights among them, first layer to last."""
        return [n for n in self.update.hidden_names() if n in self.hidden]

    @property
    def learns_below(self) -> bool:
        """Whether any hidden layer is updated."""
        return bool(self.hidden)

    @cached_property
    def in_training(self) -> SeveralUpdates:
        """Several updates on the network and kind of batch that every criterion looks at."""
        return SeveralUpdates(self.update, words="several updates")

    @cached_property
    def as_trained(self) -> SeveralUpdates:
        """Updates as a training run makes them (`training_conditions.py`)."""
        return as_trained(self.update)

    @cached_property
    def mixing(self) -> float:
        """How far samples of a batch are compared with one another."""
        return mixing_of(self.update, self.hidden)

    @cached_property
    def watched(self) -> str:
        """Where the rule makes another update than the one that is looked at; empty: nowhere."""
        for found in elsewhere(self.update, self.base, self.mixing > 0):
            if found.differs:
                return (
                    f"The rule makes another update {found.words}: the cosine with the one that is"
                    f" looked at is {1 - found.distance:.2f}."
                )
        return ""

    @property
    def several(self) -> tuple[SeveralUpdates, ...]:
        """Conditions under which interventions are held through several updates."""
        return self.in_training, self.as_trained

    def sources_of(self, name: str) -> frozenset[str]:
        """Everything that any update of a hidden parameter may depend on."""
        return self.trace.sources(name) | self.in_training.tags.get(name, frozenset())

    @cached_property
    def sources(self) -> frozenset[str]:
        """Everything that the updates of hidden layers may depend on."""
        return frozenset().union(*(self.sources_of(n) for n in self.hidden))

    @cached_property
    def label_probes(self) -> list[Probe]:
        """Effects of other labels on the hidden layers' updates.

        Of the batch's labels; where these have none, of the labels of several batches; and where
        these have none, as training runs make them.
        """
        probes = label_probes(self.update, self.base, self.hidden)
        if max(p.effect for p in probes) > self.floor:
            return probes
        return probes + self.later_labels.probes

    @cached_property
    def later_labels(self) -> Held:
        """Effects of other labels, those of earlier batches included, on later updates."""
        return held_probes(self.several, held_label_probes)

    @cached_property
    def label_effect(self) -> float:
        """The largest of them."""
        return max((p.effect for p in self.label_probes), default=0.0)

    def above(self, name: str) -> list[str]:
        """Tags of activity in layers above that of a parameter."""
        n = len(self.update.weight_names())
        return [f"activity layer {m + 1}" for m in range(self.update.layer_of[name] + 1, n)]

    @cached_property
    def waiting(self) -> list[str]:
        """Hidden layers whose updates may depend on activity of layers above."""
        return [n for n in self.hidden if self.sources_of(n) & set(self.above(n))]

    @cached_property
    def states(self) -> ActivityStates:
        """What drives the activity that hidden layers send upwards."""
        return ActivityStates(self.update, self.trace)

    @cached_property
    def sight(self) -> Sight:
        """What of the update is out of sight."""
        return Sight(self.update, self.hidden)

    @property
    def out_of_sight(self) -> str:
        """That the rule computes where the audit cannot look; nothing, if all is in sight."""
        return self.sight.sentence

    @cached_property
    def squared(self) -> RepeatedUpdate:
        """The rule with the squared error at the output, where it has a choice.

        The errors of the cross-entropy add up to zero over the classes, which hides a direction.
        """
        made = self.update.make()
        known = inspect.signature(type(made)).parameters
        if "loss" not in known or "loss" in self.options:
            return self.update
        try:
            other = RepeatedUpdate(self.rule, self.seed, **self.options, loss="squared_error")
        except (SpikelearnError, TypeError):
            return self.update
        other.lead, other.recognises = self.update.lead, self.update.recognises
        return other
