"""Learning rules: a family a file, a rule a name.

`RULES` lists them; `make_rule(name)` gives the object that a training run uses. A variant of a
family is an entry of its own, with the options that make it. To add a rule, write its file and add
its line here; which networks it trains, and what it is in one line, its class says.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spikelearn._code import code_of
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._keys import current_name, plain
from spikelearn.rules._read_class import attribute, first_line
from spikelearn.rules.rule_options import checked_options, own_options
from spikelearn.rules.user_rule import rule_from_file

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule

__all__ = [
    "RULES",
    "RuleEntry",
    "effective_options",
    "known_name",
    "make_rule",
    "rule_code",
    "rule_from_file",
]

# Colours that the colour-blind can tell apart (Okabe & Ito 2008); greys for what learned nothing.
BLUE, VERMILION, ORANGE, SKY = "#0072b2", "#d55e00", "#e69f00", "#56b4e9"
PURPLE, GREEN, DARK_GREY, GREY = "#cc79a7", "#009e73", "#5c5c5c", "#8a8a8a"


@dataclass(frozen=True)
class RuleEntry:
    """Where a rule is, and how it is written and drawn.

    Attributes
    ----------
    module, name_of_class : str
        Where it is. The class says what the rule is and which networks it trains; it is not
        imported for that.
    options : mapping
        What makes this variant of its family.
    label : str or None
        How figures and tables call it; its name with blanks, if None.
    colour : str
        Of its marks in figures.
    """

    module: str
    name_of_class: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str | None = None
    colour: str = SKY

    @property
    def networks(self) -> tuple[str, ...]:
        """Kinds of models it trains, the usual one first: the class's attribute `networks`."""
        return _networks(self.module, self.name_of_class)

    @property
    def description(self) -> str:
        """What it is: the first line of its class's docstring, or its sentence among `variants`."""
        line = first_line(self.module, self.name_of_class)
        if self.options:
            variant = ", ".join(f"{name}={value}" for name, value in self.options.items())
            variants = attribute(self.module, self.name_of_class, "variants") or {}
            line = variants.get(variant, line)
        return line.removesuffix(".")

    @property
    def simulated(self) -> bool:
        """Whether the simulation carries it out, as part of a spiking network's description."""
        return self.networks == ("spiking",)


@functools.cache
def _networks(module: str, name_of_class: str) -> tuple[str, ...]:
    return tuple(attribute(module, name_of_class, "networks"))


RULES: dict[str, RuleEntry] = {
    # Baselines: the gradient, and what learns nothing, or a readout alone.
    "backprop": RuleEntry(
        "spikelearn.rules.baselines", "Backprop", label="backpropagation", colour=BLUE
    ),
    "untrained": RuleEntry("spikelearn.rules.baselines", "Untrained", colour=DARK_GREY),
    "untrained_spiking": RuleEntry(
        "spikelearn.rules.baselines",
        "UntrainedSpiking",
        label="untrained, spiking",
        colour=DARK_GREY,
    ),
    "untrained_latency": RuleEntry(
        "spikelearn.rules.baselines",
        "UntrainedLatency",
        label="untrained, latencies",
        colour=DARK_GREY,
    ),
    "random_features": RuleEntry("spikelearn.rules.baselines", "RandomFeatures", colour=GREY),
    # Feedback weights.
    "feedback_alignment": RuleEntry(
        "spikelearn.rules.feedback_alignment", "FeedbackAlignment", colour=VERMILION
    ),
    "direct_feedback_alignment": RuleEntry(
        "spikelearn.rules.feedback_alignment", "DirectFeedbackAlignment", colour=ORANGE
    ),
    "sign_symmetric_uniform": RuleEntry(
        "spikelearn.rules.feedback_alignment",
        "SignSymmetric",
        {"magnitude": "uniform"},
        label="sign-symmetric, uniform",
    ),
    "sign_symmetric_fixed": RuleEntry(
        "spikelearn.rules.feedback_alignment",
        "SignSymmetric",
        {"magnitude": "fixed"},
        label="sign-symmetric, fixed sizes",
    ),
    "sign_symmetric_random": RuleEntry(
        "spikelearn.rules.feedback_alignment",
        "SignSymmetric",
        {"magnitude": "random"},
        label="sign-symmetric, random sizes",
    ),
    "kolen_pollack": RuleEntry(
        "spikelearn.rules.kolen_pollack", "KolenPollack", label="Kolen-Pollack"
    ),
    "weight_mirror": RuleEntry("spikelearn.rules.weight_mirror", "WeightMirror"),
    # Target propagation and control.
    "target_propagation": RuleEntry("spikelearn.rules.target_propagation", "TargetPropagation"),
    "difference_target_propagation": RuleEntry(
        "spikelearn.rules.target_propagation", "DifferenceTargetPropagation"
    ),
    "difference_target_propagation_ldrl": RuleEntry(
        "spikelearn.rules.target_propagation",
        "LocalDifferenceReconstruction",
        label="difference target propagation (L-DRL)",
    ),
    "deep_feedback_control": RuleEntry(
        "spikelearn.rules.deep_feedback_control", "DeepFeedbackControl"
    ),
    # Predictive coding.
    "predictive_coding": RuleEntry("spikelearn.rules.predictive_coding", "PredictiveCoding"),
    "predictive_coding_incremental": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "IncrementalPredictiveCoding",
        label="predictive coding, incremental",
    ),
    "predictive_coding_fixed_prediction": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "FixedPredictionPredictiveCoding",
        label="predictive coding, fixed prediction",
    ),
    "predictive_coding_zil": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "ZeroDivergenceInferenceLearning",
        label="predictive coding, Z-IL",
    ),
    "predictive_coding_nudged": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "NudgedPredictiveCoding",
        {"nudging": "one_sided"},
        label="predictive coding, nudged",
    ),
    "predictive_coding_centred": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "NudgedPredictiveCoding",
        {"nudging": "centred"},
        label="predictive coding, centred",
    ),
    "predictive_coding_mupc": RuleEntry(
        "spikelearn.rules.predictive_coding", "MuPC", label="predictive coding, muPC"
    ),
    # Forward-forward.
    "forward_forward": RuleEntry(
        "spikelearn.rules.forward_forward", "ForwardForward", label="forward-forward"
    ),
    "forward_forward_symba": RuleEntry(
        "spikelearn.rules.forward_forward", "SymBa", label="forward-forward, SymBa"
    ),
    "forward_forward_channelwise": RuleEntry(
        "spikelearn.rules.forward_forward_channelwise",
        "ChannelwiseForwardForward",
        label="forward-forward, channel-wise",
    ),
    # Perturbation.
    "weight_perturbation": RuleEntry("spikelearn.rules.perturbation", "WeightPerturbation"),
    "node_perturbation": RuleEntry("spikelearn.rules.perturbation", "NodePerturbation"),
    "activity_normalised_node_perturbation": RuleEntry(
        "spikelearn.rules.perturbation", "ActivityNormalisedNodePerturbation"
    ),
    "decorrelated_node_perturbation": RuleEntry(
        "spikelearn.rules.perturbation", "DecorrelatedNodePerturbation"
    ),
    "forward_gradient": RuleEntry("spikelearn.rules.forward_gradient", "ForwardGradient"),
    "pepita": RuleEntry("spikelearn.rules.pepita", "Pepita", label="PEPITA"),
    # Local losses.
    "local_pred": RuleEntry(
        "spikelearn.rules.local_losses", "LocalPred", {"bio": False}, label="local losses (pred)"
    ),
    "local_sim": RuleEntry(
        "spikelearn.rules.local_losses", "LocalSim", {"bio": False}, label="local losses (sim)"
    ),
    "local_predsim": RuleEntry(
        "spikelearn.rules.local_losses",
        "LocalPredSim",
        {"bio": False},
        label="local losses (predsim)",
    ),
    "local_predsim_bio": RuleEntry(
        "spikelearn.rules.local_losses",
        "LocalPredSim",
        {"bio": True},
        label="local losses (predsim, no transport)",
    ),
    # Energy-based.
    "equilibrium_propagation": RuleEntry(
        "spikelearn.rules.energy_based", "EquilibriumPropagation", {"estimate": "one_sided"}
    ),
    "equilibrium_propagation_centred": RuleEntry(
        "spikelearn.rules.energy_based",
        "EquilibriumPropagation",
        {"estimate": "centred"},
        label="equilibrium propagation, centred",
    ),
    "equilibrium_propagation_holomorphic": RuleEntry(
        "spikelearn.rules.energy_based",
        "EquilibriumPropagation",
        {"estimate": "holomorphic"},
        label="equilibrium propagation, holomorphic",
    ),
    "contrastive_hebbian": RuleEntry(
        "spikelearn.rules.contrastive_hebbian",
        "ContrastiveHebbian",
        label="contrastive Hebbian learning",
    ),
    "coupled_learning": RuleEntry("spikelearn.rules.contrastive_hebbian", "CoupledLearning"),
    # Hebbian; then a readout.
    "oja": RuleEntry("spikelearn.rules.hebbian", "Oja", label="Oja"),
    "sanger": RuleEntry("spikelearn.rules.hebbian", "Sanger", label="Sanger"),
    "bcm": RuleEntry("spikelearn.rules.hebbian", "BCM", label="BCM"),
    "winner_take_all": RuleEntry(
        "spikelearn.rules.winner_take_all", "WinnerTakeAll", label="winner-take-all"
    ),
    "softhebb": RuleEntry("spikelearn.rules.softhebb", "SoftHebb", label="SoftHebb"),
    "krotov_hopfield": RuleEntry(
        "spikelearn.rules.krotov_hopfield", "KrotovHopfield", label="Krotov-Hopfield"
    ),
    # Recurrent networks.
    "backprop_through_time": RuleEntry("spikelearn.rules.through_time", "BackpropThroughTime"),
    "random_feedback_through_time": RuleEntry(
        "spikelearn.rules.through_time", "RandomFeedbackThroughTime"
    ),
    "eprop": RuleEntry("spikelearn.rules.through_time", "EProp", label="e-prop, of rates"),
    "node_perturbation_through_time": RuleEntry(
        "spikelearn.rules.perturbation_through_time", "NodePerturbationThroughTime"
    ),
    "predictive_coding_through_time": RuleEntry(
        "spikelearn.rules.through_time", "PredictiveCodingThroughTime"
    ),
    "local_losses_through_time": RuleEntry(
        "spikelearn.rules.through_time", "LocalLossesThroughTime"
    ),
    # Networks that spike.
    "surrogate": RuleEntry(
        "spikelearn.rules.surrogate", "Surrogate", label="surrogate gradients", colour=GREEN
    ),
    "eprop_spiking": RuleEntry("spikelearn.rules.eligibility", "EPropSpiking", label="e-prop"),
    "ottt": RuleEntry("spikelearn.rules.eligibility", "OTTT", label="OTTT"),
    "decolle": RuleEntry("spikelearn.rules.eligibility", "Decolle", label="DECOLLE"),
    # Networks of spike times.
    "eventprop": RuleEntry("spikelearn.rules.eventprop", "EventProp", label="EventProp"),
    "reward_stdp": RuleEntry(
        "spikelearn.rules.reward_stdp", "RewardSTDP", label="R-STDP", colour=PURPLE
    ),
    "reward_stdp_label": RuleEntry(
        "spikelearn.rules.reward_stdp",
        "RewardSTDP",
        {"teacher": "label"},
        label="R-STDP, taught by label",
        colour=PURPLE,
    ),
    "reward_stdp_hidden": RuleEntry(
        "spikelearn.rules.reward_stdp",
        "RewardSTDP",
        {"hidden": "reward"},
        label="R-STDP, hidden too",
        colour=PURPLE,
    ),
    # Carried out by the simulation, where the network's file has a plastic projection.
    "stdp": RuleEntry("spikelearn.rules.stdp", "STDP", label="STDP", colour=PURPLE),
    "homeostasis": RuleEntry(
        "spikelearn.rules.stdp", "Homeostasis", label="homeostasis only", colour=DARK_GREY
    ),
}
_SHIPPED = {name: f"{rule.module}.{rule.name_of_class}" for name, rule in RULES.items()}


def known_name(name: str) -> str:
    """The rule's name as it is today; an old name gives the new one, with a word of warning.

    Raises
    ------
    SpikelearnError
        If there is no such rule.
    """
    current = str(current_name("rule", name))
    if current not in RULES:
        raise SpikelearnError(f"there is no rule called '{name}'; {nearest(name, RULES)}")
    return current


def make_rule(name: str, **options: Any) -> Rule:
    """A fresh rule by name.

    Parameters
    ----------
    name : str
        A name of `RULES`.
    **options
        The rule's own settings, as its class describes them.

    Raises
    ------
    SpikelearnError
        If there is no such rule or no such option, or the rule is not one that a gradient-like
        training loop drives.
    """
    name = known_name(name)
    entry = RULES[name]
    if entry.simulated:
        raise SpikelearnError(
            f"the rule '{name}' is part of a spiking network's description and acts while it is"
            " simulated; train such a network with spikelearn.training.train_stdp"
        )
    given = checked_options(name, _class_of(entry), options, entry.options)
    made: Rule = _class_of(entry)(**entry.options, **given)
    return made


def effective_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of a rule with the value that acts: what is given, else the rule's own.

    Parameters
    ----------
    name : str
        A name of `RULES`.
    options : mapping
        Those that are given.

    Raises
    ------
    SpikelearnError
        If there is no such rule or no such option, or a value cannot be kept with a run.
    """
    name = known_name(name)
    entry = RULES[name]
    rule = _class_of(entry)
    given = checked_options(name, rule, options, entry.options)
    acting = {**own_options(rule, entry.options), **given}
    for option, value in acting.items():
        try:
            acting[option] = plain(value)
        except TypeError as error:
            raise SpikelearnError(
                f"the option '{option}' of the rule '{name}' is {value!r:.60}, which cannot be kept"
                " with a run; options are numbers, texts, or lists and mappings of them"
            ) from error
    return acting


def rule_code(name: str) -> dict[str, str]:
    """Digests of the code by which a rule acts: its file, and what that imports of its author.

    Of shipped rules that is what lies in this folder; of a rule that a simulation carries out, also
    the descriptions of plasticity.

    Raises
    ------
    SpikelearnError
        If there is no such rule, or its file has changed since it was imported.
    """
    entry = RULES[known_name(name)]
    ours = ("rules", "networks/plasticity.py") if entry.simulated else ("rules",)
    code = code_of(_class_of(entry), ours)
    place = f"{entry.module}.{entry.name_of_class}"
    if _SHIPPED.get(known_name(name)) != place:  # else the rule's name says which class it is
        code["class"] = place
    return code


def _class_of(entry: RuleEntry) -> Any:
    return getattr(importlib.import_module(entry.module), entry.name_of_class)


def __getattr__(name: str) -> Any:
    if name == "own_rule":
        import warnings

        message = "spikelearn.rules.own_rule is called rule_from_file now"
        warnings.warn(message, FutureWarning, stacklevel=2)
        return rule_from_file
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
