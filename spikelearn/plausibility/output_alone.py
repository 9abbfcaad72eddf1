"""Rules that train the output layer alone, such as rewarded STDP: what is measured of them.

Most criteria speak of hidden layers. Where none learns, the layer that learns is looked at in their
place; what is read within a layer, on a network that is this layer alone, where the instruments
look for it. What asks for layers above needs no experiment: there are none. That hidden layers stay
as they are is seen in a training run, too, and not in the first updates alone.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import torch

from spikelearn._seeding import torch_generator
from spikelearn.networks.latency_mlp import LatencyMLP
from spikelearn.networks.mlp import MLP
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria.c03_teaching_rank import measure as measure_rank
from spikelearn.plausibility.criterion import Criterion, Finding, by_equations, untold
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.plausibility.short_training import model_like, train

# Criteria of what returns from layers above, which the last layer has not.
_OF_LAYERS_ABOVE = {
    "C1": "no weights lie above it that its update could depend on",
    "C4b": "it waits for no layer above it, for there is none",
}
# Measured on a network of one layer.
_WITHIN_A_LAYER = "C2"
# How a finding on hidden layers is told of the output layer.
_WORDS = {
    "the hidden layers learn": "the output layer learns",
    "hidden layers' update": "output layer's update",
    "Hidden layers are": "The output layer is",
    "hidden layers": "output layer",
}


class OutputRule(AuditedRule):
    """A rule under audit that trains the output layer alone."""

    def _measured(self, criterion: Criterion) -> Finding:
        return measure_output(self, criterion)


def audited_rule(rule: Any, seed: int = 0, **options: Any) -> AuditedRule:
    """A rule under audit, of its hidden layers or, where none learns, of its output layer.

    Parameters
    ----------
    rule : str, class or callable
    seed : int
    **options
        Of a shipped rule, or of the class.
    """
    audited = AuditedRule(rule, seed, **options)
    return OutputRule(rule, seed, **options) if audited.output_alone else audited


def measure_output(audited: AuditedRule, criterion: Criterion) -> Finding:
    """What a criterion measures of a rule that trains the output layer alone.

    Parameters
    ----------
    audited : AuditedRule
        That left hidden layers as they are.
    criterion : Criterion
    """
    said = "The output layer alone learns."
    moved = hidden_moved(audited)
    if moved:
        return untold(
            f"{said[:-1]} in the updates that are looked at; in training hidden layers do, too"
            f" ({moved}).", "Needed: updates of hidden layers from the first epoch on.",
        )  # fmt: skip
    if criterion.key in _OF_LAYERS_ABOVE:
        found = by_equations(
            True, f"the layer that learns is the last: {_OF_LAYERS_ABOVE[criterion.key]}.",
            value=0.0, shown="nothing above",
        )  # fmt: skip
        return replace(found, sentence=f"{said} {found.sentence}")
    if criterion.key == "C14":
        return _copies(audited, said)
    if "output alone" not in audited.shared:
        audited.shared["output alone"] = _OutputAlone(audited, audited.update.model)
    measured = audited.shared["output alone"]
    if criterion.key == _WITHIN_A_LAYER:
        model = _one_layer(audited.update.model)
        if model is None:
            kind = audited.update.networks[0]
            return untold(said, f"Needed: a network of the kind {kind} that is one layer.")
        measured = _OutputAlone(audited, model)
    found = _channel(measured) if criterion.key == "C4c" else criterion.measure(measured)
    sentence = found.sentence
    for words, instead in _WORDS.items():
        sentence = sentence.replace(words, instead)
    return replace(found, sentence=f"{said} {sentence}")


def _channel(measured: AuditedRule) -> Finding:
    """How many directions a label teaches the output neurons in: one, or one for each."""
    rank = measure_rank(measured)
    channel = {0: "none", 1: "one number"}.get(int(rank.value), "a teacher of each neuron")
    return replace(
        rank, value=float(rank.value > 1), shown=channel,
        sentence=f"What the label teaches it has {rank.shown}"
        f" dimension{'s' if rank.value != 1 else ''}: {channel}. By provenance the label"
        f" {'is one number or none' if rank.by_provenance else 'enters as what it is'}.",
    )  # fmt: skip


def hidden_moved(audited: AuditedRule) -> str:
    """Which hidden weights a training run of some epochs moves; empty if it moves none."""
    if "hidden moved" not in audited.shared:
        rule = train(audited.update).rule
        other = audited.update.make()
        network = model_like(audited.update).build(audited.seed)
        other.prepare(network, torch_generator(audited.seed, "rule"))
        trained, fresh = (audited.update.weights(r.network) for r in (rule, other))
        moved = [name for name in list(fresh)[:-1] if not torch.equal(fresh[name], trained[name])]
        audited.shared["hidden moved"] = ", ".join(moved)
    return str(audited.shared["hidden moved"])


def _copies(audited: AuditedRule, said: str) -> Finding:
    """Whether the rule has a second set of weights that could be a copy of the first."""
    own = [name for name, p in audited.base.rule.extra.named_parameters() if p.ndim >= 2]
    if own:
        return untold(
            f"{said} The rule has weights of its own beside the network's: {', '.join(own)}.",
            "Needed: hidden layers to which they carry something.",
        )
    numbers = ", ".join(name for name, _ in audited.base.rule.extra.named_parameters()) or "nothing"
    found = by_equations(
        True, f"beside the weights that learn the rule keeps {numbers}: there is no second set of"
        " synapses.", value=0.0, shown="no second set",
    )  # fmt: skip
    return replace(found, sentence=f"{said} {found.sentence}")


class _OutputAlone(AuditedRule):
    """The rule, with the layer that learns in the place of hidden layers."""

    def __init__(self, audited: AuditedRule, model: Any) -> None:
        super().__init__(audited.rule, audited.seed, **audited.options)
        self.shared = audited.shared if model is audited.update.model else {}
        self.update = RepeatedUpdate(audited.rule, audited.seed, model, **self.options)
        self.update.lead = audited.update.lead
        self.update.recognises = audited.update.recognises

    @cached_property
    def hidden(self) -> list[str]:
        """What learns: weights and biases."""
        updates = self.base.updates
        return [n for n, u in updates.items() if n.startswith("network.") and bool(u.any())]

    @property
    def hidden_weights(self) -> list[str]:
        """The weights among them."""
        return [n for n in self.update.weight_names() if n in self.hidden]

    @cached_property
    def squared(self) -> RepeatedUpdate:
        """The rule with the error that it has."""
        return self.update


def _one_layer(model: Any) -> Any:
    """A network of the same kind that is one layer; None where there is none."""
    if not isinstance(model, MLP | SpikingMLP | LatencyMLP):
        return None
    return model.changed("sizes", (model.n_inputs, model.n_classes))
