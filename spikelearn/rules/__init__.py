"""Learning rules: a family a file, a rule a name.

`RULES` lists them; `make_rule(name)` gives the object that a training run uses. A variant of a
family is an entry of its own, with the options that make it. To add a rule, write its file and add
its line here.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError
from spikelearn.rules.user_rule import own_rule

if TYPE_CHECKING:
    from spikelearn.rules.rule import Rule

__all__ = ["RULES", "RuleEntry", "make_rule", "own_rule"]

_IMAGES = ("mlp", "cnn")
_SEQUENCES = ("elman", "gru")


@dataclass(frozen=True)
class RuleEntry:
    """Where a rule is, and in one line what it is.

    Attributes
    ----------
    module, name_of_class : str
        No class: the rule is carried out by the simulation.
    networks : tuple of str
        Kinds of models it trains, the usual one first.
    description : str
    options : mapping
        What makes this variant of its family.
    """

    module: str
    name_of_class: str | None
    networks: tuple[str, ...]
    description: str
    options: Mapping[str, Any] = field(default_factory=dict)


RULES: dict[str, RuleEntry] = {
    "backprop": RuleEntry(
        "spikelearn.rules.backprop",
        "Backprop",
        (*_IMAGES, "residual_mlp"),
        "gradient descent; the baseline",
    ),
    "feedback_alignment": RuleEntry(
        "spikelearn.rules.feedback_alignment",
        "FeedbackAlignment",
        _IMAGES,
        "errors return through fixed random weights (Lillicrap et al. 2016)",
    ),
    "direct_feedback_alignment": RuleEntry(
        "spikelearn.rules.feedback_alignment",
        "DirectFeedbackAlignment",
        _IMAGES,
        "the output error reaches every layer directly (Nokland 2016)",
    ),
    "sign_symmetric_uniform": RuleEntry(
        "spikelearn.rules.feedback_alignment",
        "SignSymmetric",
        _IMAGES,
        "uSF: feedback has the forward signs and one magnitude (Liao et al. 2016)",
        {"magnitude": "uniform"},
    ),
    "sign_symmetric_fixed": RuleEntry(
        "spikelearn.rules.feedback_alignment",
        "SignSymmetric",
        _IMAGES,
        "frSF: the forward signs and fixed random magnitudes (Moskovitz et al. 2018)",
        {"magnitude": "fixed"},
    ),
    "sign_symmetric_random": RuleEntry(
        "spikelearn.rules.feedback_alignment",
        "SignSymmetric",
        _IMAGES,
        "brSF: the forward signs and magnitudes drawn for each batch (Moskovitz et al. 2018)",
        {"magnitude": "random"},
    ),
    "kolen_pollack": RuleEntry(
        "spikelearn.rules.kolen_pollack",
        "KolenPollack",
        _IMAGES,
        "feedback weights take part in the same learning (Akrout et al. 2019)",
    ),
    "weight_mirror": RuleEntry(
        "spikelearn.rules.weight_mirror",
        "WeightMirror",
        _IMAGES,
        "feedback weights mirror the forward weights through noise (Akrout et al. 2019)",
    ),
    # target propagation
    "target_propagation": RuleEntry(
        "spikelearn.rules.target_propagation",
        "TargetPropagation",
        _IMAGES,
        "targets sent down by inverses (Bengio 2014)",
    ),
    "difference_target_propagation": RuleEntry(
        "spikelearn.rules.target_propagation",
        "DifferenceTargetPropagation",
        _IMAGES,
        "targets corrected by what the inverse gets wrong (Lee et al. 2015)",
    ),
    "difference_target_propagation_ldrl": RuleEntry(
        "spikelearn.rules.target_propagation",
        "LocalDifferenceReconstruction",
        _IMAGES,
        "inverses trained towards the transposed Jacobian (Ernoult et al. 2022)",
    ),
    "deep_feedback_control": RuleEntry(
        "spikelearn.rules.deep_feedback_control",
        "DeepFeedbackControl",
        ("mlp",),
        "a controller drives the output to its target (Meulemans et al. 2021)",
    ),
    # predictive coding
    "predictive_coding": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "PredictiveCoding",
        _IMAGES,
        "activity relaxes with the output clamped, then weights learn (Whittington & Bogacz 2017)",
    ),
    "predictive_coding_incremental": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "IncrementalPredictiveCoding",
        _IMAGES,
        "weights move at every step of relaxation (Salvatori et al. 2024)",
    ),
    "predictive_coding_fixed_prediction": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "FixedPredictionPredictiveCoding",
        _IMAGES,
        "predictions stay those of the forward pass (Millidge et al. 2022)",
    ),
    "predictive_coding_zil": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "ZeroDivergenceInferenceLearning",
        _IMAGES,
        "Z-IL: each layer learns when the error arrives (Song et al. 2020)",
    ),
    "predictive_coding_nudged": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "NudgedPredictiveCoding",
        _IMAGES,
        "the output is free and pulled by the loss (Pinchetti et al. 2025)",
        {"nudging": "one_sided"},
    ),
    "predictive_coding_centred": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "NudgedPredictiveCoding",
        _IMAGES,
        "the difference between pulling and pushing the output (Pinchetti et al. 2025)",
        {"nudging": "centred"},
    ),
    "predictive_coding_mupc": RuleEntry(
        "spikelearn.rules.predictive_coding",
        "MuPC",
        ("residual_mlp",),
        "for deep residual networks (Innocenti et al. 2025)",
    ),
    # forward-forward
    "forward_forward": RuleEntry(
        "spikelearn.rules.forward_forward",
        "ForwardForward",
        _IMAGES,
        "goodness up with the right label in the image, down with a wrong one (Hinton 2022)",
    ),
    "forward_forward_symba": RuleEntry(
        "spikelearn.rules.forward_forward",
        "SymBa",
        _IMAGES,
        "forward-forward on the difference of the goodnesses (Lee & Song 2023)",
    ),
    "forward_forward_channelwise": RuleEntry(
        "spikelearn.rules.forward_forward_channelwise",
        "ChannelwiseForwardForward",
        ("cnn", "mlp"),
        "classes compete for channels, without negative data (Papachristodoulou et al. 2024)",
    ),
    # perturbation
    "weight_perturbation": RuleEntry(
        "spikelearn.rules.perturbation",
        "WeightPerturbation",
        _IMAGES,
        "noise on the weights, rewarded by the loss (Jabri & Flower 1992)",
    ),
    "node_perturbation": RuleEntry(
        "spikelearn.rules.perturbation",
        "NodePerturbation",
        _IMAGES,
        "noise on every unit, rewarded by the loss (Widrow & Lehr 1990)",
    ),
    "activity_normalised_node_perturbation": RuleEntry(
        "spikelearn.rules.perturbation",
        "ActivityNormalisedNodePerturbation",
        _IMAGES,
        "ANP: the measured change of activity stands for the noise (Dalm et al. 2023)",
    ),
    "decorrelated_node_perturbation": RuleEntry(
        "spikelearn.rules.perturbation",
        "DecorrelatedNodePerturbation",
        ("mlp",),
        "node perturbation on decorrelated inputs (Dalm et al. 2023)",
    ),
    "forward_gradient": RuleEntry(
        "spikelearn.rules.perturbation",
        "ForwardGradient",
        _IMAGES,
        "exact directional derivatives, no backward pass (Baydin et al. 2022)",
    ),
    "pepita": RuleEntry(
        "spikelearn.rules.pepita",
        "Pepita",
        _IMAGES,
        "a second pass with the error in the input (Dellaferrera & Kreiman 2022)",
    ),
    # local losses
    "local_pred": RuleEntry(
        "spikelearn.rules.local_losses",
        "LocalPred",
        _IMAGES,
        "every layer predicts the class by a head of its own (Nokland & Eidnes 2019)",
        {"bio": False},
    ),
    "local_sim": RuleEntry(
        "spikelearn.rules.local_losses",
        "LocalSim",
        _IMAGES,
        "every layer makes samples of a class alike (Nokland & Eidnes 2019)",
        {"bio": False},
    ),
    "local_predsim": RuleEntry(
        "spikelearn.rules.local_losses",
        "LocalPredSim",
        _IMAGES,
        "both local losses (Nokland & Eidnes 2019)",
        {"bio": False},
    ),
    "local_predsim_bio": RuleEntry(
        "spikelearn.rules.local_losses",
        "LocalPredSim",
        _IMAGES,
        "both, and no weight transport within a layer (Nokland & Eidnes 2019)",
        {"bio": True},
    ),
    # energy-based
    "equilibrium_propagation": RuleEntry(
        "spikelearn.rules.energy_based",
        "EquilibriumPropagation",
        _IMAGES,
        "states nudged towards the label against free states (Scellier & Bengio 2017)",
        {"estimate": "one_sided"},
    ),
    "equilibrium_propagation_centred": RuleEntry(
        "spikelearn.rules.energy_based",
        "EquilibriumPropagation",
        _IMAGES,
        "states nudged towards the label against states nudged away (Laborieux et al. 2021)",
        {"estimate": "centred"},
    ),
    "equilibrium_propagation_holomorphic": RuleEntry(
        "spikelearn.rules.energy_based",
        "EquilibriumPropagation",
        _IMAGES,
        "complex states under an oscillating teacher (Laborieux & Zenke 2022)",
        {"estimate": "holomorphic"},
    ),
    "contrastive_hebbian": RuleEntry(
        "spikelearn.rules.energy_based",
        "ContrastiveHebbian",
        _IMAGES,
        "states with the label at the output against free states (Movellan 1991)",
    ),
    "coupled_learning": RuleEntry(
        "spikelearn.rules.energy_based",
        "CoupledLearning",
        _IMAGES,
        "states with the output held nearer to the label against free states (Stern et al. 2021)",
    ),
    # Hebbian
    "oja": RuleEntry(
        "spikelearn.rules.hebbian",
        "Oja",
        ("mlp",),
        "principal subspace, then a readout (Oja 1989)",
    ),
    "sanger": RuleEntry(
        "spikelearn.rules.hebbian",
        "Sanger",
        ("mlp",),
        "principal components in order, then a readout (Sanger 1989)",
    ),
    "bcm": RuleEntry(
        "spikelearn.rules.hebbian",
        "BCM",
        ("mlp",),
        "sliding thresholds, then a readout (Bienenstock et al. 1982)",
    ),
    "winner_take_all": RuleEntry(
        "spikelearn.rules.hebbian",
        "WinnerTakeAll",
        _IMAGES,
        "hard competition, then a readout (Rumelhart & Zipser 1985)",
    ),
    "softhebb": RuleEntry(
        "spikelearn.rules.softhebb",
        "SoftHebb",
        _IMAGES,
        "soft competition, then a readout (Moraitis et al. 2022)",
    ),
    "krotov_hopfield": RuleEntry(
        "spikelearn.rules.krotov_hopfield",
        "KrotovHopfield",
        ("mlp",),
        "ranked competition, then a readout (Krotov & Hopfield 2019)",
    ),
    # recurrent networks
    "backprop_through_time": RuleEntry(
        "spikelearn.rules.through_time",
        "BackpropThroughTime",
        _SEQUENCES,
        "gradient descent through the unrolled network; the baseline (Werbos 1990)",
    ),
    "random_feedback_through_time": RuleEntry(
        "spikelearn.rules.through_time",
        "RandomFeedbackThroughTime",
        _SEQUENCES,
        "signals return through time by fixed random weights (Murray 2019)",
    ),
    "eprop": RuleEntry(
        "spikelearn.rules.through_time",
        "EProp",
        _SEQUENCES,
        "eligibility traces forwards in time; RFLO (Bellec et al. 2020, Murray 2019)",
    ),
    "node_perturbation_through_time": RuleEntry(
        "spikelearn.rules.through_time",
        "NodePerturbationThroughTime",
        _SEQUENCES,
        "noise at every unit and step, rewarded by the change of the loss",
    ),
    "predictive_coding_through_time": RuleEntry(
        "spikelearn.rules.through_time",
        "PredictiveCodingThroughTime",
        _SEQUENCES,
        "states relax between prediction and label (Millidge et al. 2022)",
    ),
    "local_losses_through_time": RuleEntry(
        "spikelearn.rules.through_time",
        "LocalLossesThroughTime",
        _SEQUENCES,
        "a guess at every step, whose error goes no further back in time",
    ),
    # controls
    "random_features": RuleEntry(
        "spikelearn.rules.random_features",
        "RandomFeatures",
        _IMAGES,
        "random hidden layers and a readout; the control of the Hebbian rules",
    ),
    "untrained": RuleEntry(
        "spikelearn.rules.untrained",
        "Untrained",
        (*_IMAGES, "residual_mlp", *_SEQUENCES),
        "initial weights; the other baseline",
    ),
    "surrogate": RuleEntry(
        "spikelearn.rules.surrogate",
        "Surrogate",
        ("spiking_mlp",),
        "backpropagation through time with surrogate gradients (Neftci et al. 2019)",
    ),
    "eprop_spiking": RuleEntry(
        "spikelearn.rules.eligibility",
        "EPropSpiking",
        ("spiking_mlp",),
        "eligibility traces meet the output's error, forwards in time (Bellec et al. 2020)",
    ),
    "ottt": RuleEntry(
        "spikelearn.rules.eligibility",
        "OTTT",
        ("spiking_mlp",),
        "presynaptic traces, and errors that pass down within a step (Xiao et al. 2022)",
    ),
    "decolle": RuleEntry(
        "spikelearn.rules.eligibility",
        "Decolle",
        ("spiking_mlp",),
        "every layer guesses at every step by a random readout (Kaiser et al. 2020)",
    ),
    "eventprop": RuleEntry(
        "spikelearn.rules.eventprop",
        "EventProp",
        ("latency_mlp",),
        "exact gradients of spike times, by adjoint variables (Wunderlich & Pehle 2021)",
    ),
    "reward_stdp": RuleEntry(
        "spikelearn.rules.reward_stdp",
        "RewardSTDP",
        ("latency_mlp", "latency_cnn"),
        "the first output neuron to fire is praised or punished (Mozafari et al. 2018)",
    ),
    "reward_stdp_label": RuleEntry(
        "spikelearn.rules.reward_stdp",
        "RewardSTDP",
        ("latency_mlp", "latency_cnn"),
        "the same, where the teacher names the neuron that should have been first",
        {"teacher": "label"},
    ),
    "reward_stdp_hidden": RuleEntry(
        "spikelearn.rules.reward_stdp",
        "RewardSTDP",
        ("latency_mlp", "latency_cnn"),
        "the same reward reaches the hidden neurons that fire first",
        {"hidden": "reward"},
    ),
    "untrained_latency": RuleEntry(
        "spikelearn.rules.untrained",
        "UntrainedLatency",
        ("latency_mlp", "latency_cnn"),
        "the network of spike times with its initial weights",
    ),
    "untrained_spiking": RuleEntry(
        "spikelearn.rules.surrogate",
        "UntrainedSpiking",
        ("spiking_mlp",),
        "the spiking network with its initial weights",
    ),
    "stdp": RuleEntry(
        "spikelearn.rules.stdp",
        None,  # carried out by the simulation, where the network's file has a plastic projection
        ("spiking",),
        "pair-based spike-timing-dependent plasticity, unsupervised (Bi & Poo 1998)",
    ),
    "homeostasis": RuleEntry(
        "spikelearn.rules.stdp",
        None,
        ("spiking",),
        "thresholds adapt, weights keep their initial values; the baseline of STDP",
    ),
}


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
    if name not in RULES:
        raise SpikelearnError(f"there is no rule called '{name}'; rules are {', '.join(RULES)}")
    entry = RULES[name]
    if entry.name_of_class is None:
        raise SpikelearnError(
            f"the rule '{name}' is part of a spiking network's description and acts while it is"
            " simulated; train such a network with spikelearn.training.train_stdp"
        )
    rule = getattr(importlib.import_module(entry.module), entry.name_of_class)
    known = [option for option in inspect.signature(rule).parameters if option not in entry.options]
    for option in options:
        if option not in known:
            raise SpikelearnError(
                f"the rule '{name}' has no option '{option}'; "
                + (f"its options are {', '.join(known)}" if known else "it has none")
            )
    return rule(**entry.options, **options)
