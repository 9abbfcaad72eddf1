"""Learning rules: a family a file, a rule a name.

`RULES` lists them; `make_rule(name)` gives the object that a training run uses. A variant of a
family is an entry of its own, with the options that make it. To add a rule, write its file and add
its line here; which networks it trains, and what it is in one line, its class says. A rule that is
not listed is named by its file and class, `my_rule.py:MyRule`, or given as a class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spikelearn._code import code_of
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._keys import current_name, plain
from spikelearn.rules.entries import (
    BLUE,
    DARK_GREY,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILION,
    RuleEntry,
)
from spikelearn.rules.rule_options import checked_options, own_options, refuse_missing
from spikelearn.rules.user_rule import (
    absolute_place,
    is_place,
    place_name,
    place_of,
    rule_from_file,
)

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule

__all__ = [
    "RULES",
    "RuleEntry",
    "effective_options",
    "known_name",
    "make_rule",
    "rule_code",
    "rule_entry",
    "rule_from_file",
    "rule_name",
]

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
    "convolutional_stdp": RuleEntry(
        "spikelearn.rules.convolutional_stdp",
        "ConvolutionalSTDP",
        label="convolutional STDP",
        colour=PURPLE,
    ),
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


def known_name(name: Any) -> str:
    """The rule's name as it is today; an old name gives the new one, with a word of warning.

    Of a rule that a user has written, given by its file and class or as a class, it is its place,
    with the whole path.

    Raises
    ------
    SpikelearnError
        If there is no such rule.
    """
    if not isinstance(name, str):
        return _name_of_class(name)
    current = str(current_name("rule", name))
    if current in RULES:
        return current
    if is_place(current):
        return absolute_place(current)
    if current.endswith(".py"):
        raise SpikelearnError(f"a rule in a file is named with its class, as {current}:MyRule")
    raise SpikelearnError(f"there is no rule called '{name}'; {nearest(name, RULES)}")


def _name_of_class(rule: Any) -> str:
    """The name of a shipped rule's class, or the place of a user's."""
    here = (getattr(rule, "__module__", None), getattr(rule, "__qualname__", None))
    names = [n for n, one in RULES.items() if (one.module, one.name_of_class) == here]
    plain_ones = [name for name in names if not RULES[name].options]
    if names and not plain_ones:
        raise SpikelearnError(
            f"the class {here[1]} is shipped as {' and '.join(names)}; give one of these names"
        )
    return plain_ones[0] if names else place_of(rule)


def rule_entry(name: Any) -> RuleEntry:
    """The entry of a rule: that of `RULES`, or one for a rule that a user has written.

    Raises
    ------
    SpikelearnError
        If there is no such rule, or its file fails.
    """
    known = known_name(name)
    if known in RULES:
        return RULES[known]
    rule = rule_from_file(known)
    return RuleEntry(rule.__module__, rule.__qualname__, label=rule.__qualname__, place=known)


def rule_name(name: Any) -> str:
    """The name by which a rule is printed, keyed and seeded: of a user's rule without its folder.

    Such as "my_rule.py:MyRule".
    """
    known = known_name(name)
    return known if known in RULES else place_name(known)


def make_rule(name: Any, **options: Any) -> Rule:
    """A fresh rule by name.

    Parameters
    ----------
    name : str or class
        A name of `RULES`; or a user's rule, as my_rule.py:MyRule or its class.
    **options
        The rule's own settings, as its class describes them.

    Raises
    ------
    SpikelearnError
        If there is no such rule or no such option, or the rule is not one that a gradient-like
        training loop drives.
    """
    entry = rule_entry(name)
    if entry.simulated:
        raise SpikelearnError(
            f"the rule '{rule_name(name)}' is part of a spiking network's description and acts"
            " while it is simulated; train such a network with spikelearn.training.train_stdp"
        )
    given = checked_options(rule_name(name), entry.rule_class, options, entry.options)
    refuse_missing(rule_name(name), entry.rule_class, {**entry.options, **given})
    made: Rule = entry.rule_class(**entry.options, **given)
    return made


def effective_options(name: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of a rule with the value that acts: what is given, else the rule's own.

    Parameters
    ----------
    name : str or class
        As of `make_rule`.
    options : mapping
        Those that are given.

    Raises
    ------
    SpikelearnError
        If there is no such rule or no such option, one is missing that the rule needs, or a value
        cannot be kept with a run.
    """
    entry = rule_entry(name)
    given = checked_options(rule_name(name), entry.rule_class, options, entry.options)
    refuse_missing(rule_name(name), entry.rule_class, {**entry.options, **given})
    acting = {**own_options(entry.rule_class, entry.options), **given}
    for option, value in acting.items():
        try:
            acting[option] = plain(value)
        except TypeError as error:
            raise SpikelearnError(
                f"the option '{option}' of the rule '{rule_name(name)}' is {value!r:.60}, which"
                " cannot be kept with a run; options are numbers, texts, or lists and mappings of"
                " them"
            ) from error
    return acting


def rule_code(name: Any) -> dict[str, str]:
    """Digests of the code by which a rule acts: its file, and what that imports of its author.

    Of shipped rules that is what lies in this folder; of a rule that a simulation carries out, also
    the descriptions of plasticity.

    Raises
    ------
    SpikelearnError
        If there is no such rule, or its file has changed since it was imported.
    """
    entry = rule_entry(name)
    ours = ("rules", "networks/plasticity.py") if entry.simulated else ("rules",)
    code = code_of(entry.rule_class, ours)
    place = f"{entry.module}.{entry.name_of_class}"
    # The name says which class it is, but for entries that a user has added.
    if entry.place is None and _SHIPPED.get(known_name(name)) != place:
        code["class"] = place
    return code


def __getattr__(name: str) -> Any:
    if name == "own_rule":
        import warnings

        message = "spikelearn.rules.own_rule is called rule_from_file now"
        warnings.warn(message, FutureWarning, stacklevel=2)
        return rule_from_file
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
