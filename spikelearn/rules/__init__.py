"""Learning rules: a family a file, a rule a name.

`RULES` lists them; `make_rule(name)` gives the object that a training run uses. To add a rule,
write its file and add its line here.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule

__all__ = ["RULES", "RuleEntry", "make_rule"]


@dataclass(frozen=True)
class RuleEntry:
    """Where a rule is, and in one line what it is. `network`: the kind of model it trains."""

    module: str
    name_of_class: str | None
    network: str
    description: str


RULES: dict[str, RuleEntry] = {
    "backprop": RuleEntry(
        "spikelearn.rules.backprop", "Backprop", "mlp", "gradient descent; the baseline"
    ),
    "feedback_alignment": RuleEntry(
        "spikelearn.rules.feedback_alignment",
        "FeedbackAlignment",
        "mlp",
        "errors return through fixed random weights (Lillicrap et al. 2016)",
    ),
    "direct_feedback_alignment": RuleEntry(
        "spikelearn.rules.feedback_alignment",
        "DirectFeedbackAlignment",
        "mlp",
        "the output error reaches every layer directly (Nokland 2016)",
    ),
    "untrained": RuleEntry(
        "spikelearn.rules.untrained", "Untrained", "mlp", "initial weights; the other baseline"
    ),
    "surrogate": RuleEntry(
        "spikelearn.rules.surrogate",
        "Surrogate",
        "spiking_mlp",
        "backpropagation through time with surrogate gradients (Neftci et al. 2019)",
    ),
    "untrained_spiking": RuleEntry(
        "spikelearn.rules.surrogate",
        "UntrainedSpiking",
        "spiking_mlp",
        "the spiking network with its initial weights",
    ),
    "stdp": RuleEntry(
        "spikelearn.rules.stdp",
        None,  # carried out by the simulation, where the network's file has a plastic projection
        "spiking",
        "pair-based spike-timing-dependent plasticity, unsupervised (Bi & Poo 1998)",
    ),
    "homeostasis": RuleEntry(
        "spikelearn.rules.stdp",
        None,
        "spiking",
        "thresholds adapt, weights keep their initial values; the baseline of STDP",
    ),
}


def make_rule(name: str, **options: Any) -> Rule:
    """A fresh rule by name.

    Raises
    ------
    SpikelearnError
        If there is no such rule, or it is not one that a gradient-like training loop drives.
    """
    if name not in RULES:
        raise SpikelearnError(f"there is no rule called '{name}'; rules are {', '.join(RULES)}")
    entry = RULES[name]
    if entry.name_of_class is None:
        raise SpikelearnError(
            f"the rule '{name}' is part of a spiking network's description and acts while it is"
            " simulated; train such a network with spikelearn.experiments.train_stdp"
        )
    return getattr(importlib.import_module(entry.module), entry.name_of_class)(**options)
